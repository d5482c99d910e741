import { beforeEach, expect, test, vi } from 'vitest';
import { Camera } from './camera.svelte';

const size = { width: 640, height: 480 };

/** What the browser answers once somebody has allowed or denied the camera. */
let asked: { wanted: MediaStreamConstraints; allow: (stream: MediaStream) => void; deny: (why: unknown) => void }[];

function stream() {
  const track = { stop: vi.fn(), addEventListener: vi.fn<(event: string, told: () => void) => void>(), getSettings: () => ({ deviceId: 'front' }) };
  return { track, made: { getTracks: () => [track], getVideoTracks: () => [track] } as unknown as MediaStream };
}

beforeEach(() => {
  asked = [];
  localStorage.clear();
  const getUserMedia = (wanted: MediaStreamConstraints) => new Promise<MediaStream>((allow, deny) => void asked.push({ wanted, allow, deny }));
  const enumerateDevices = async () => [{ kind: 'videoinput', deviceId: 'front', label: 'Front' }];
  Object.assign(navigator, { mediaDevices: { getUserMedia, enumerateDevices } });
});

test('a camera that is allowed is on until it is stopped', async () => {
  const camera = new Camera();
  const started = camera.start(size);
  const { track, made } = stream();
  asked[0]?.allow(made);
  await started;
  expect(camera.stream).toBe(made);
  expect(camera.deviceId).toBe('front');
  camera.stop();
  expect(track.stop).toHaveBeenCalledOnce();
  expect(camera.stream).toBeNull();
});

test('one that was stopped while the browser asked is turned off as soon as it is allowed', async () => {
  const camera = new Camera();
  const started = camera.start(size);
  camera.stop();
  const { track, made } = stream();
  asked[0]?.allow(made);
  await started;
  expect(track.stop).toHaveBeenCalledOnce();
  expect(camera.stream).toBeNull();
});

test('of two starts the later counts, whichever is allowed first', async () => {
  const camera = new Camera();
  const [first, second] = [camera.start(size), camera.start(size, 'back')];
  const [late, early] = [stream(), stream()];
  asked[1]?.allow(early.made);
  asked[0]?.allow(late.made);
  await Promise.all([first, second]);
  expect(camera.stream).toBe(early.made);
  expect(early.track.stop).not.toHaveBeenCalled();
  expect(late.track.stop).toHaveBeenCalledOnce();
});

test('one that is unplugged is gone, which is told, and the cameras that are left are listed', async () => {
  const camera = new Camera();
  const lost = vi.fn();
  camera.onlost = lost;
  const started = camera.start(size);
  const { track, made } = stream();
  asked[0]?.allow(made);
  await started;
  Object.assign(navigator.mediaDevices, { enumerateDevices: async () => [{ kind: 'videoinput', deviceId: 'back', label: 'Back' }] });
  track.addEventListener.mock.calls.find(([event]) => event === 'ended')?.[1]();
  expect(camera.stream).toBeNull();
  expect(camera.isGone).toBe(true);
  expect(lost).toHaveBeenCalledOnce();
  expect(lost.mock.calls[0]?.[0]).toMatchObject({ reason: 'camera_gone' });
  await vi.waitFor(() => expect(camera.devices.map(({ deviceId }) => deviceId)).toEqual(['back']));
  const again = camera.start(size, 'back');
  asked[1]?.allow(stream().made);
  await again;
  expect(camera.isGone).toBe(false);
  camera.stop();
  expect(lost).toHaveBeenCalledOnce();
});

test('the very camera that was chosen is asked for, and any where it is not there', async () => {
  const camera = new Camera();
  const started = camera.start(size, 'back');
  expect(asked[0]?.wanted.video).toMatchObject({ deviceId: { exact: 'back' } });
  asked[0]?.deny(new DOMException('no', 'OverconstrainedError'));
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]?.wanted.video).not.toHaveProperty('deviceId');
  asked[1]?.allow(stream().made);
  await started;
  expect(camera.deviceId).toBe('front');
});

test('why there is no picture is said, but not to whoever has left', async () => {
  const camera = new Camera();
  const started = camera.start(size);
  asked[0]?.deny(new DOMException('no', 'NotAllowedError'));
  await expect(started).rejects.toMatchObject({ reason: 'camera_denied' });
  const left = camera.start(size);
  camera.stop();
  asked[1]?.deny(new DOMException('no', 'NotAllowedError'));
  await expect(left).resolves.toBeUndefined();
});
