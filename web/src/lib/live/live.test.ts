import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LiveSocket } from './live_socket.svelte';
import { frameMessage, type LiveResult, type WatchedFace } from './messages';
import { Sightings } from './sightings.svelte';
import { boxAfter, Tracks } from './tracks';

const still = { x: 0, y: 0, width: 0, height: 0 };
const face = (change: Partial<WatchedFace> = {}): WatchedFace => ({
  box: { x: 100, y: 50, width: 80, height: 100 }, track_id: 1, velocity: still, decision: 'match', person: 'Ada', similarity: 0.7,
  too_small: false, candidates: [], ...change,
});
const result = (frame_id: number, ...faces: WatchedFace[]): LiveResult => ({
  type: 'result', frame_id, width_px: 640, height_px: 480, match_threshold: 0.4, faces, times: { total_ms: 20 },
  received_count: frame_id, dropped_count: 0,
});

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
  say(message: object) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}
const results: LiveResult[] = [];
const open = () => new LiveSocket('ws://x', (one) => results.push(one), () => new FakeSocket() as unknown as WebSocket);
const newest = () => FakeSocket.made.at(-1) as FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', { OPEN: 1 });
  FakeSocket.made = [];
  results.length = 0;
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
  newest().say({ type: 'ready', version: 1 });
  const picture = new Blob(['x']);
  await live.send(picture, 0);
  await live.send(picture, 0);
  expect(live.wantsFrame).toBe(false);
  newest().say(result(2, face()));
  expect(live.inFlight).toBe(0);
  expect(live.wantsFrame).toBe(true);
  expect(results).toHaveLength(1);
});

test('a connection that breaks is made again, later each time, and at once after it held', async () => {
  const live = open();
  for (const [wait, made] of [[500, 2], [1000, 3], [2000, 4]] as const) {
    newest().onclose?.({ reason: '' });
    expect(live.state).toBe('waiting');
    await vi.advanceTimersByTimeAsync(wait - 1);
    expect(FakeSocket.made).toHaveLength(made - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(FakeSocket.made).toHaveLength(made);
  }
  newest().say({ type: 'ready', version: 1 });
  newest().onclose?.({ reason: 'server_stopping' });
  await vi.advanceTimersByTimeAsync(500);
  expect(FakeSocket.made).toHaveLength(5);
});

test('a refusal that stays is not asked again', async () => {
  const live = open();
  newest().onclose?.({ reason: 'gallery_not_trained' });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(live.state).toBe('refused');
  expect(live.reason).toBe('gallery_not_trained');
  expect(FakeSocket.made).toHaveLength(1);
});

test('a box moves on with its face, but not farther than can be foreseen', () => {
  const velocity = { x: 100, y: -50, width: 20, height: 0 };
  expect(boxAfter({ x: 100, y: 50, width: 80, height: 100 }, velocity, 200)).toEqual({ x: 118, y: 40, width: 84, height: 100 });
  expect(boxAfter({ x: 0, y: 0, width: 10, height: 10 }, { ...still, x: 100 }, 60_000).x).toBeCloseTo(40);
});

test('between results a box glides to its face without a jump, and goes when the face is gone', () => {
  const tracks = new Tracks();
  tracks.take(result(1, face()), 0);
  tracks.take(result(2, face({ box: { x: 200, y: 50, width: 80, height: 100 } })), 33);
  const xs = [50, 66, 82, 98, 400].map((now) => tracks.advance(now, 16)[0]?.drawn.x ?? 0);
  expect(xs).toEqual([...xs].sort((a, b) => a - b));
  expect(xs[0]).toBeGreaterThan(100);
  expect(xs[0]).toBeLessThan(150);
  expect(tracks.advance(1000, 16)).toEqual([]);
  tracks.take(result(3, face({ track_id: 2 })), 1000);
  expect(tracks.advance(1001, 1).map((track) => track.face.track_id)).toEqual([2]);
});

test('somebody who stays is one visit, who comes back later another, and who is undecided none', () => {
  const sightings = new Sightings();
  sightings.take([face(), face({ track_id: 2, decision: 'unknown', person: null }), face({ track_id: 3, decision: 'undecided', person: null })], 0);
  sightings.take([face({ track_id: 9 })], 10_000);
  expect(sightings.list.map((one) => one.person)).toEqual([null, 'Ada']);
  expect(sightings.list[1]).toMatchObject({ first_ms: 0, last_ms: 10_000 });
  sightings.take([face()], 60_000);
  expect(sightings.list.map((one) => one.person)).toEqual(['Ada', null, 'Ada']);
});
