import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal } from '../api';
import { labelOf } from './labels';
import { LiveSocket } from './live_socket.svelte';
import { frameMessage, type LiveMessage, type LiveResult, type WatchedFace } from './messages';
import { RecordingCheck } from './recording_check';
import { Sightings } from './sightings.svelte';
import { boxAfter, Tracks } from './tracks';

const still = { x: 0, y: 0, width: 0, height: 0 };
const face = (change: Partial<WatchedFace> = {}): WatchedFace => ({
  box: { x: 100, y: 50, width: 80, height: 100 }, detection_score: 0.9, landmarks: [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
  quality: { face_size_px: 80, sharpness: 100, brightness: 0.5, yaw_deg: 0, pitch_deg: 0, roll_deg: 0 },
  track_id: 1, seen_for_ms: 500, velocity: still, decision: 'match', person: 'Ada', similarity: 0.7, too_small: false, candidates: [],
  ...change,
});
const result = (frame_id: number, ...faces: WatchedFace[]): LiveResult => ({
  type: 'result', frame_id, version: 1, is_recorded: false, width_px: 640, height_px: 480, model_id: 'm', person_count: 2,
  false_positive_identification_rate: 0.01, match_threshold: 0.4, false_match_rate: 0.005, extrapolated: false, faces, look_count: 0,
  times: { waited_ms: 1, decode_ms: 2, detect_ms: 10, embed_ms: 0, search_ms: 0, total_ms: 13 },
  received_count: frame_id, dropped_count: 0,
});
const error = (frame_id: number, reason: string, retry_after_s?: number): LiveMessage => ({
  type: 'error', frame_id, error: { code: 'busy', reason, message: '' }, ...(retry_after_s && { retry_after_s }),
});
const ready: LiveMessage = { type: 'ready', version: 1, is_recorded: false, limits: { frame_bytes: 2e6, frame_megapixels: 2.5, frames_per_second: 60 } };

/** A server's end of a socket, as far as the page can tell. */
class FakeSocket {
  static made: FakeSocket[] = [];
  readyState = 1;
  sent: ArrayBuffer[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { reason: string }) => void) | null = null;
  constructor() {
    FakeSocket.made.push(this);
  }
  send(message: ArrayBuffer) {
    this.sent.push(message);
  }
  close() {}
  say(message: LiveMessage) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}
const results: LiveResult[] = [];
const recorded: boolean[] = [];
const onstale = vi.fn();
const open = (whyNot: () => Promise<Refusal | null> = async () => null) =>
  new LiveSocket('ws://x', {
    onresult: (one) => results.push(one),
    onstale,
    onrecorded: (isRecorded) => recorded.push(isRecorded),
    whyNot,
    makeSocket: () => new FakeSocket() as unknown as WebSocket,
  });
const newest = () => FakeSocket.made.at(-1) as FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', { OPEN: 1 });
  FakeSocket.made = [];
  results.length = 0;
  recorded.length = 0;
  onstale.mockReset();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a frame is its id in four bytes, the most significant first, and the picture', async () => {
  const message = new Uint8Array(await frameMessage(0x01020304, new Blob([new Uint8Array([9, 8])])));
  expect([...message]).toEqual([1, 2, 3, 4, 9, 8]);
});

test('no more than two frames are on their way, and a result makes room for the next', async () => {
  const live = open();
  expect(live.wantsFrame).toBe(false);
  newest().say(ready);
  const picture = new Blob(['x']);
  await live.send(picture, 0);
  await live.send(picture, 0);
  expect(live.wantsFrame).toBe(false);
  newest().say(result(2, face()));
  expect(live.inFlight).toBe(0);
  expect(live.wantsFrame).toBe(true);
  expect(results).toHaveLength(1);
});

test('the page hears whether it is recorded when the socket opens, and with every result', async () => {
  const live = open();
  newest().say({ ...ready, is_recorded: true });
  await live.send(new Blob(['x']), 0);
  newest().say({ ...result(1), is_recorded: false });
  await live.send(new Blob(['x']), 0);
  newest().say({ ...result(2), is_recorded: true });
  expect(recorded).toEqual([true, false, true]);
});

test('recording that somebody else turned on or off is looked up, and while that lags not with every frame', () => {
  const look = vi.fn(async () => undefined);
  const check = new RecordingCheck(look);
  check.hear(false, false);
  expect(look).not.toHaveBeenCalled();
  check.hear(true, false);
  check.hear(true, false);
  expect(look).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(2_000);
  check.hear(true, true);
  expect(look).toHaveBeenCalledTimes(1);
  check.hear(true, false);
  expect(look).toHaveBeenCalledTimes(2);
});

test('results that come in bursts are counted, not their gaps', async () => {
  const live = open();
  newest().say(ready);
  for (let burst = 1; burst <= 20; ++burst) {
    await live.send(new Blob(['x']), performance.now());
    await live.send(new Blob(['x']), performance.now());
    newest().say(result(2 * burst - 1, face()));
    newest().say(result(2 * burst, face()));
    await vi.advanceTimersByTimeAsync(200);
  }
  expect(live.rate_hz).toBeGreaterThan(9);
  expect(live.rate_hz).toBeLessThan(11.5);
});

test('a connection that breaks is made again, later each time, and at once after it held', async () => {
  const live = open();
  for (const [wait, made] of [[500, 2], [1000, 3], [2000, 4], [4000, 5], [5000, 6], [5000, 7]] as const) {
    newest().onclose?.({ reason: '' });
    expect(live.state).toBe('waiting');
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(FakeSocket.made).toHaveLength(made - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(made);
  }
  newest().say(ready);
  newest().say(result(1));
  newest().onclose?.({ reason: 'server_stopping' });
  await vi.advanceTimersByTimeAsync(500);
  expect(FakeSocket.made).toHaveLength(8);
});

test('a server that has trouble with every frame is asked ever later, and the trouble is told', async () => {
  const live = open();
  for (const [wait, made] of [[500, 2], [1000, 3], [2000, 4]] as const) {
    newest().say(ready);
    newest().onclose?.({ reason: 'answer_failed' });
    expect(live.failed).toBe(true);
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(FakeSocket.made).toHaveLength(made - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(made);
  }
  newest().onclose?.({ reason: '' });
  expect(live.failed).toBe(false);
});

test('a frame that is never answered is the end of its connection', async () => {
  const live = open();
  newest().say(ready);
  await live.send(new Blob(['x']), 0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(live.state).toBe('waiting');
  expect(live.inFlight).toBe(0);
  await vi.advanceTimersByTimeAsync(500);
  newest().say(ready);
  await live.send(new Blob(['x']), 0);
  newest().say(result(2, face()));
  await vi.advanceTimersByTimeAsync(20_000);
  expect(live.state).toBe('open');
});

test('a frame that was made while the connection broke is not sent, and does not end the next one', async () => {
  const live = open();
  newest().say(ready);
  const broken = newest();
  broken.onclose?.({ reason: '' });
  await live.send(new Blob(['late']), 0);
  expect(live.inFlight).toBe(0);
  await vi.advanceTimersByTimeAsync(500);
  newest().say(ready);
  const made = FakeSocket.made.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(live.state).toBe('open');
  expect(FakeSocket.made).toHaveLength(made);
  broken.say(result(1, face()));
  expect(results).toEqual([]);
  live.close();
});

test('frames that are answered by errors alone: after a second what was seen is gone and the trouble is told, until a result', async () => {
  const live = open();
  newest().say(ready);
  newest().say(result(1, face()));
  await live.send(new Blob(['x']), 0);
  newest().say(error(1, 'frame_unsupported'));
  await vi.advanceTimersByTimeAsync(900);
  newest().say(error(2, 'image_damaged'));
  expect(live.trouble).toBe('');
  expect(onstale).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(100);
  expect(live.trouble).not.toBe('');
  expect(onstale).toHaveBeenCalledTimes(1);
  newest().say(error(3, 'image_damaged'));
  expect(live.trouble).toBe('image_damaged');
  newest().say(result(4));
  expect(live.trouble).toBe('');
  newest().say(error(5, 'image_damaged'));
  await vi.advanceTimersByTimeAsync(500);
  newest().say(result(6));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(onstale).toHaveBeenCalledTimes(1);
});

test('nothing is sent for as many seconds as the server says', async () => {
  const live = open();
  newest().say(ready);
  await live.send(new Blob(['x']), 0);
  newest().say(error(1, 'pack_unavailable', 5));
  await vi.advanceTimersByTimeAsync(4_999);
  expect(live.wantsFrame).toBe(false);
  await live.send(new Blob(['x']), 0);
  expect(newest().sent).toHaveLength(1);
  expect(live.trouble).toBe('pack_unavailable');
  await vi.advanceTimersByTimeAsync(1);
  expect(live.wantsFrame).toBe(true);
  newest().say(error(2, 'pack_unavailable', 5));
  newest().say(result(3));
  expect(live.wantsFrame).toBe(true);
});

test('the trouble of a connection goes with it', async () => {
  const live = open(async () => new Refusal('pack_unavailable', 'wait', 'busy'));
  newest().say(ready);
  newest().say(error(1, 'pack_unavailable', 5));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(live.trouble).toBe('pack_unavailable');
  newest().say(error(2, 'pack_unavailable', 5));
  newest().onclose?.({ reason: 'server_stopping' });
  expect(live.trouble).toBe('');
  await vi.advanceTimersByTimeAsync(500);
  newest().onclose?.({ reason: '' });
  await vi.advanceTimersByTimeAsync(0);
  expect(live.trouble).toBe('pack_unavailable');
  await vi.advanceTimersByTimeAsync(5_000);
  newest().say(ready);
  expect(live.trouble).toBe('');
  expect(live.wantsFrame).toBe(true);
});

test('where there was no connection, it is asked why, and what stays is not asked again', async () => {
  const untrained = new Refusal('gallery_not_trained', 'train it', 'conflict');
  const live = open(async () => untrained);
  newest().onclose?.({ reason: '' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(live.refusal).toEqual({ reason: 'gallery_not_trained', refusal: untrained });
  expect(FakeSocket.made).toHaveLength(1);
  const unreachable = open(async () => new Refusal('unreachable', 'is it running?'));
  newest().onclose?.({ reason: '' });
  await vi.advanceTimersByTimeAsync(500);
  expect(unreachable.state).toBe('connecting');
  const busy = open(async () => new Refusal('sockets_taken', 'close one', 'busy'));
  newest().onclose?.({ reason: '' });
  await vi.advanceTimersByTimeAsync(500);
  expect(busy.state).toBe('connecting');
});

test('a refusal that stays is not asked again', async () => {
  const live = open();
  newest().onclose?.({ reason: 'gallery_not_trained' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(live.state).toBe('refused');
  expect(live.refusal?.reason).toBe('gallery_not_trained');
  expect(FakeSocket.made).toHaveLength(1);
});

test('a box moves on with its face, but not farther than can be foreseen', () => {
  const velocity = { x: 100, y: -50, width: 20, height: 0 };
  expect(boxAfter({ x: 100, y: 50, width: 80, height: 100 }, velocity, 200)).toEqual({ x: 118, y: 40, width: 84, height: 100 });
  expect(boxAfter({ x: 0, y: 0, width: 10, height: 10 }, { ...still, x: 100 }, 60_000).x).toBeCloseTo(40);
});

test('a box that is corrected glides to its face without a jump, and goes when the face is gone', () => {
  const tracks = new Tracks();
  tracks.take(result(1, face()), 0);
  expect(tracks.at(33)[0]?.box.x).toBe(100);
  tracks.take(result(2, face({ box: { x: 200, y: 50, width: 80, height: 100 } })), 33);
  const xs = [33, 49, 65, 81, 400].map((now) => tracks.at(now)[0]?.box.x ?? 0);
  expect(xs[0]).toBeCloseTo(100);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
  expect(xs[1]).toBeLessThan(130);
  expect(xs[4]).toBeCloseTo(200, 0);
  expect(tracks.at(1000)).toEqual([]);
  tracks.take(result(3, face({ track_id: 2 })), 1000);
  expect(tracks.at(1001).map((drawn) => drawn.face.track_id)).toEqual([2]);
});

test('the box of a face that moves evenly lies on the face in every frame, however late its results are', () => {
  const tracks = new Tracks();
  const placeAt = (time_ms: number) => 100 + 0.2 * time_ms;
  for (let now = 0; now <= 1000; now += 33) {
    // Each third frame is looked at, and its result comes 80 ms after it was captured.
    const seen = now - 80;
    if (seen >= 0 && now % 99 === 0) {
      const box = { x: placeAt(seen), y: 50, width: 80, height: 100 };
      tracks.take(result(now, face({ box, velocity: { ...still, x: 200 } })), seen);
    }
    const [drawn] = tracks.at(now);
    if (drawn) expect(drawn.box.x).toBeCloseTo(placeAt(now), 6);
  }
});

test('a label names for a match only, and says otherwise whom the face is like', () => {
  const candidates = [{ person: 'Ada', person_id: 1, similarity: 0.312, reference: '1.jpg', reference_photo_id: 2, reference_similarity: 0.4 }];
  expect(labelOf(face({ candidates }))).toEqual({ title: 'Ada', detail: '0.700' });
  const unknown = labelOf(face({ decision: 'unknown', person: null, similarity: 0.312, candidates }));
  expect(unknown.title).toBe('Unknown');
  expect(unknown.detail).toMatch(/like .Ada. 0\.312/);
  expect(labelOf(face({ decision: 'undecided', person: null, candidates }))).toEqual({ title: 'Looking…', detail: '' });
  expect(labelOf(face({ decision: 'unknown', person: null, too_small: true })).title).toBe('Come closer');
});

test('somebody who stays is one visit, who comes back later another, and who is undecided none', () => {
  const sightings = new Sightings();
  sightings.take([face(), face({ track_id: 2, decision: 'unknown', person: null }), face({ track_id: 3, decision: 'undecided', person: null })], 0);
  sightings.take([face({ track_id: 9 })], 10_000);
  expect(sightings.list.map((one) => one.person)).toEqual([null, 'Ada']);
  expect(sightings.list[1]).toMatchObject({ first_ms: 0, last_ms: 10_000 });
  sightings.forgetTracks();
  sightings.take([face({ track_id: 2, decision: 'unknown', person: null })], 10_001);
  expect(sightings.list.map((one) => one.person)).toEqual([null, null, 'Ada']);
  sightings.list.shift();
  sightings.take([face()], 60_000);
  expect(sightings.list.map((one) => one.person)).toEqual(['Ada', null, 'Ada']);
});
