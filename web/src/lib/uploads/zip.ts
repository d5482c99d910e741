import { Unzip, UnzipInflate, type UnzipFile } from 'fflate';
import { Refusal } from '../api';
import type { Gatherer } from './gather';
import { t } from '../../texts';

const mediaTypes: Record<string, string> = {
  jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif', avif: 'image/avif',
};
const mediaTypeOf = (name: string) => mediaTypes[name.split('.').at(-1)?.toLowerCase() ?? ''] ?? '';

/** Unpacks one photo; one that turns out larger than it may be is dropped as soon as that shows. */
function unpack(entry: UnzipFile, gatherer: Gatherer, onfault: (fault: Error) => void) {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  entry.ondata = (fault, chunk, final) => {
    if (fault) return onfault(fault);
    bytes += chunk.length;
    if (!gatherer.wants(entry.name, bytes)) {
      entry.terminate();
      return;
    }
    chunks.push(chunk as Uint8Array<ArrayBuffer>);
    if (!final) return;
    const name = entry.name.split('/').at(-1) ?? entry.name;
    gatherer.add(entry.name, new File(chunks, name, { type: mediaTypeOf(name) }));
  };
  entry.start();
}

/** Gathers the photos of a zip as it is read, so that never more than one of them is held unpacked in parts. */
export async function gatherZip(zip: File, gatherer: Gatherer): Promise<void> {
  let fault: Error | null = null;
  const reader = new Unzip((entry) => {
    if (entry.name.endsWith('/') || !gatherer.wants(entry.name, entry.originalSize ?? 0)) return;
    unpack(entry, gatherer, (found) => (fault ??= found));
  });
  reader.register(UnzipInflate);
  const stream = zip.stream().getReader();
  try {
    for (;;) {
      const { value, done } = await stream.read();
      reader.push(value ?? new Uint8Array(0), done);
      if (fault !== null) throw fault;
      if (done || gatherer.gathered.cut) return;
    }
  } catch {
    throw new Refusal('zip_damaged', t('error.zip', { file: zip.name }));
  } finally {
    stream.cancel().catch(() => {});
  }
}
