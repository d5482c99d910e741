/** A frame of a video that is being shown, and when the camera took it (`performance.now()`'s clock). */
export type OnFrame = (video: HTMLVideoElement, captured_ms: number) => void;

/**
 * Calls back for each new frame of a video, when it is about to be shown; where a browser does not tell of frames, each
 * time that it draws. Gives what ends it.
 */
export function eachFrame(video: HTMLVideoElement, onframe: OnFrame): () => void {
  let handle = 0;
  if (!('requestVideoFrameCallback' in video)) {
    const draw = (now_ms: number) => {
      handle = requestAnimationFrame(draw);
      onframe(video, now_ms);
    };
    handle = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(handle);
  }
  const show = (now_ms: number, { captureTime }: VideoFrameCallbackMetadata) => {
    handle = video.requestVideoFrameCallback(show);
    onframe(video, captureTime ?? now_ms);
  };
  handle = video.requestVideoFrameCallback(show);
  return () => video.cancelVideoFrameCallback(handle);
}
