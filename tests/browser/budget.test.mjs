// What a first visit loads of scripts, compressed: everything that index.html names, and nothing of another host.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from './server.mjs';

const limit_bytes = 200_000;
const dist = join(root, 'web/dist');
const page = readFileSync(join(dist, 'index.html'), 'utf8');

test('the first load is under 200 kB of compressed script', () => {
  const scripts = [...page.matchAll(/<(?:script|link rel="modulepreload")[^>]*?(?:src|href)="(\/[^"]+\.js)"/g)].map(([, path]) => path);
  assert.ok(scripts.length > 0);
  const bytes = scripts.reduce((sum, path) => sum + gzipSync(readFileSync(join(dist, path)), { level: 6 }).length, 0);
  assert.ok(bytes < limit_bytes, `${bytes} bytes`);
});

test('the page names no other host', () => {
  assert.deepEqual([...page.matchAll(/(?:src|href)="(?!\/)([^"]*)"/g)].map(([, address]) => address), []);
});
