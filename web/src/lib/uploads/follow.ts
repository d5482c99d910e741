import type { Upload } from './upload_queue.svelte';
import { uploads } from './uploads.svelte';

/** Not for each of a thousand photos. */
const every_ms = 1500;

/**
 * Calls `refresh` now and then while photos of a gallery arrive, the last time after the last of them.
 *
 * out: ends it
 */
export function followUploads(galleryId: number, refresh: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = uploads.onTaken((upload: Upload) => {
    if (upload.gallery_id !== galleryId) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      refresh();
    }, every_ms);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}
