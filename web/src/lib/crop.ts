import { Refusal, type BoundingBox } from './api';
import { t } from '../texts';

export interface Crop {
  file: File;
  /** The chosen face, in the crop's pixels. */
  face: BoundingBox;
}

/**
 * Cuts a face out of a photo, with a margin of so many times its longer side around it. Photos that the browser
 * cannot decode are refused.
 */
export async function cutOut(photo: File, box: BoundingBox, width_px: number, margin: number): Promise<Crop> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(photo);
  } catch {
    throw new Refusal('photo_not_shown', t('error.photo_not_shown'));
  }
  const scale = bitmap.width / width_px;
  const around = margin * Math.max(box.width, box.height) * scale;
  const left = Math.max(0, Math.floor(box.x * scale - around));
  const top = Math.max(0, Math.floor(box.y * scale - around));
  const right = Math.min(bitmap.width, Math.ceil((box.x + box.width) * scale + around));
  const bottom = Math.min(bitmap.height, Math.ceil((box.y + box.height) * scale + around));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, right - left);
  canvas.height = Math.max(1, bottom - top);
  canvas.getContext('2d')?.drawImage(bitmap, -left, -top);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.95));
  if (!blob) throw new Refusal('photo_not_cropped', t('error.photo_not_cropped'));
  return {
    file: new File([blob], photo.name, { type: blob.type }),
    face: { x: box.x * scale - left, y: box.y * scale - top, width: box.width * scale, height: box.height * scale },
  };
}
