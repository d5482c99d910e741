/** Turns pictures into JPEG files beside the page, so that the page goes on drawing. */
export interface EncodeTask {
  picture: ImageBitmap;
  quality: number;
}

let canvas: OffscreenCanvas | null = null;

addEventListener('message', ({ data: { picture, quality } }: MessageEvent<EncodeTask>) => {
  const { width, height } = picture;
  if (canvas?.width !== width || canvas.height !== height) canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d', { alpha: false, willReadFrequently: true })?.drawImage(picture, 0, 0);
  picture.close();
  canvas.convertToBlob({ type: 'image/jpeg', quality }).then(
    (file) => postMessage(file),
    () => postMessage(null),
  );
});
