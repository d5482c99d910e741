import type { components } from '../../api/schema';

export type LiveMessage = components['schemas']['LiveMessage'];
export type LiveError = components['schemas']['LiveError'];
export type LiveResult = components['schemas']['LiveResult'];
/** A face that is followed through the frames. */
export type WatchedFace = components['schemas']['WatchedFace'];

const idBytes = 4;

/** What is sent of a frame: its id, big-endian, and the picture behind it. */
export async function frameMessage(frameId: number, picture: Blob): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(idBytes + picture.size);
  new DataView(bytes.buffer).setUint32(0, frameId);
  bytes.set(new Uint8Array(await picture.arrayBuffer()), idBytes);
  return bytes.buffer;
}
