import type { EncodeTask } from './encode.worker';

const quality = 0.85;

/** Makes JPEG files of a video's frames, one at a time, in a thread of its own. */
export class Encoder {
  #worker = new Worker(new URL('./encode.worker.ts', import.meta.url), { type: 'module' });
  #isBusy = false;

  /** Whether a frame is in work; another one is not taken meanwhile. */
  get isBusy() {
    return this.#isBusy;
  }

  /** The frame that a video shows now, no wider than `width_px`; null where there is none. */
  async encode(video: HTMLVideoElement, width_px: number): Promise<Blob | null> {
    if (this.#isBusy || video.videoWidth === 0) return null;
    this.#isBusy = true;
    try {
      const scale = width_px / video.videoWidth;
      const size = scale < 1 ? { resizeWidth: width_px, resizeHeight: Math.round(scale * video.videoHeight) } : {};
      const picture = await createImageBitmap(video, size);
      return await new Promise<Blob | null>((resolve) => {
        this.#worker.onmessage = ({ data }: MessageEvent<Blob | null>) => resolve(data);
        this.#worker.onerror = () => resolve(null);
        this.#worker.postMessage({ picture, quality } satisfies EncodeTask, [picture]);
      });
    } catch {
      return null; // the camera was turned off meanwhile
    } finally {
      this.#isBusy = false;
    }
  }

  close() {
    this.#worker.terminate();
  }
}
