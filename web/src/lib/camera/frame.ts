/** The picture of a video as a JPEG; null while it has none. */
export async function grab(video: HTMLVideoElement, quality = 0.92): Promise<Blob | null> {
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', quality));
}

export interface GreyImage {
  values: Float32Array;
  width_px: number;
  height_px: number;
}

/** A grey picture of RGBA pixels, by the weights of Rec. 601. */
export function greyOf(rgba: Uint8ClampedArray, width_px: number, height_px: number): GreyImage {
  const values = new Float32Array(width_px * height_px);
  for (let index = 0; index < values.length; ++index) {
    const at = 4 * index;
    values[index] = 0.299 * (rgba[at] ?? 0) + 0.587 * (rgba[at + 1] ?? 0) + 0.114 * (rgba[at + 2] ?? 0);
  }
  return { values, width_px, height_px };
}

/**
 * How sharp a picture is: the variance of its Laplacian, whose four neighbours are weighed alike. Pictures of one size
 * compare; those under 3 x 3 pixels are not sharp at all.
 *
 * source: Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy", section 3
 */
export function sharpnessOf({ values, width_px, height_px }: GreyImage): number {
  if (width_px < 3 || height_px < 3) return 0;
  let sum = 0;
  let squares = 0;
  const at = (x: number, y: number) => values[y * width_px + x] ?? 0;
  for (let y = 1; y < height_px - 1; ++y) {
    for (let x = 1; x < width_px - 1; ++x) {
      const laplacian = at(x - 1, y) + at(x + 1, y) + at(x, y - 1) + at(x, y + 1) - 4 * at(x, y);
      sum += laplacian;
      squares += laplacian * laplacian;
    }
  }
  const count = (width_px - 2) * (height_px - 2);
  return squares / count - (sum / count) ** 2;
}

const probe_px = 160;

/** The sharpness of the middle of a video's picture, where the face is, at a size that is quick to look at. */
export function videoSharpness(video: HTMLVideoElement): number {
  const side = 0.6 * Math.min(video.videoWidth, video.videoHeight);
  if (side < 1) return 0;
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = probe_px;
  const drawn = canvas.getContext('2d', { willReadFrequently: true });
  if (!drawn) return 0;
  const [left, top] = [(video.videoWidth - side) / 2, (video.videoHeight - side) / 2];
  drawn.drawImage(video, left, top, side, side, 0, 0, probe_px, probe_px);
  return sharpnessOf(greyOf(drawn.getImageData(0, 0, probe_px, probe_px).data, probe_px, probe_px));
}
