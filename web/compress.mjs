// Writes the compressed forms of the built pages beside them; the server sends what the browser accepts.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('dist/', import.meta.url));
const least_bytes = 1000; // less is one packet either way

for (const name of readdirSync(dist, { recursive: true })) {
  if (!/\.(js|css|html|svg|json|webmanifest)$/.test(name)) continue;
  if (name.startsWith('report/')) continue; // the program puts it into pages, nobody asks for it
  const content = readFileSync(join(dist, name));
  if (content.length < least_bytes) continue;
  const forms = {
    br: brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    gz: gzipSync(content, { level: 9 }),
  };
  for (const [suffix, form] of Object.entries(forms)) {
    if (form.length < content.length) writeFileSync(join(dist, `${name}.${suffix}`), form);
  }
}
