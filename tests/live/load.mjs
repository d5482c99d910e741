// Many clients of the live socket at once, with a real pack: every one keeps getting results, none starves, nobody is
// called by another's name, and the server's memory stays bounded.
//   node tests/live/load.mjs [--clients 8] [--seconds 20] [--soak] [--tls]      (--soak: 10 minutes; --tls: over https)
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import jpeg from 'jpeg-js';
import { WebSocket } from 'ws';
import { folder, haveTestData, testData } from '../cli/faceforge.mjs';
import { Client, serve } from '../cli/server.mjs';

const { values: options } = parseArgs({
  options: { clients: { type: 'string', default: '8' }, seconds: { type: 'string', default: '20' }, soak: { type: 'boolean' },
    tls: { type: 'boolean' } },
});
const clientCount = Number(options.clients);
const seconds = options.soak ? 600 : Number(options.seconds);
const framesPerSecond = 30;
const shownFor_ms = 4_000; // one person, then a cut to another
const width_px = 640;
const height_px = 480;
const placesOfAPhoto = 10;
const enrolledPhotos = 4;
const sleep = (time_ms) => new Promise((resolve) => setTimeout(resolve, time_ms));

if (!haveTestData) {
  console.log('live load: skipped: FACEFORGE_TEST_DATA is not there');
  process.exit(77);
}

/** People of LFW with enough photos to enroll some and show others. */
function people(count) {
  return readdirSync(join(testData, 'lfw')).sort()
    .map((name) => ({ name, photos: readdirSync(join(testData, 'lfw', name)).sort().map((file) => join(testData, 'lfw', name, file)) }))
    .filter(({ photos }) => photos.length >= enrolledPhotos + 2)
    .slice(0, count);
}

/** A camera's frame: the photo, enlarged, at a place on a grey wall. */
function frameOf(photo, left, top, scale) {
  const pixels = Buffer.alloc(width_px * height_px * 4, 110);
  const side = Math.round(photo.width * scale);
  for (let y = Math.max(0, top); y < Math.min(height_px, top + side); y += 1) {
    const from = Math.floor((y - top) / scale) * photo.width;
    for (let x = Math.max(0, left); x < Math.min(width_px, left + side); x += 1) {
      photo.data.copy(pixels, (y * width_px + x) * 4, (from + Math.floor((x - left) / scale)) * 4, (from + Math.floor((x - left) / scale)) * 4 + 4);
    }
  }
  return jpeg.encode({ data: pixels, width: width_px, height: height_px }, 75).data;
}

/** Frames of one photo that drifts to and fro. */
function filmOf(file) {
  const photo = jpeg.decode(readFileSync(file));
  return Array.from({ length: placesOfAPhoto }, (_, place) => frameOf(photo, 120 + 12 * place, 20 + 4 * place, 1.5));
}

class Viewer {
  constructor(index, films) {
    this.index = index;
    this.films = films;
    this.sent = new Map(); // frame id -> who is in it and when it was sent
    this.nextId = 0;
    this.results = 0;
    this.right = 0;
    this.wrong = [];
    this.latencies_ms = [];
    this.lastResult_ms = performance.now();
    this.longestGap_ms = 0;
    this.dropped = 0;
  }

  async open(address, gallery, cookie) {
    const url = `${address.replace('http', 'ws')}/api/v1/galleries/${gallery}/live`;
    this.socket = new WebSocket(url, { headers: { cookie }, origin: address, perMessageDeflate: false, rejectUnauthorized: false });
    this.closed = new Promise((resolve) => this.socket.on('close', (code, reason) => resolve(`${code} ${reason}`)));
    this.socket.on('message', (text) => this.take(JSON.parse(text)));
    await new Promise((resolve, reject) => this.socket.on('open', resolve).on('error', reject));
  }

  film() {
    const cut = Math.floor(performance.now() / shownFor_ms);
    return this.films[(cut + this.index) % this.films.length];
  }

  sendFrame() {
    const id = this.nextId++;
    const { name, frames } = this.film();
    const step = id % (2 * placesOfAPhoto);
    const file = frames[step < placesOfAPhoto ? step : 2 * placesOfAPhoto - 1 - step];
    const message = Buffer.alloc(4 + file.length);
    message.writeUInt32BE(id);
    file.copy(message, 4);
    this.sent.set(id, { name, at_ms: performance.now() });
    this.socket.send(message);
  }

  take(message) {
    if (message.type === 'ready') return;
    assert.equal(message.type, 'result', JSON.stringify(message));
    const now = performance.now();
    const shown = this.sent.get(message.frame_id);
    for (const id of this.sent.keys()) if (id <= message.frame_id) this.sent.delete(id);
    this.results += 1;
    this.dropped = message.dropped_count;
    this.latencies_ms.push(now - shown.at_ms);
    this.longestGap_ms = Math.max(this.longestGap_ms, now - this.lastResult_ms);
    this.lastResult_ms = now;
    for (const { person } of message.faces) {
      if (person === null) continue;
      if (person === shown.name) this.right += 1;
      else this.wrong.push(`${person} for ${shown.name ?? 'a stranger'}`);
    }
  }
}

const memory_mb = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

if (options.tls) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // who the server is, serve.test.mjs asks
const { child, address, ended } = await serve(join(folder, 'live'), options.tls ? ['--tls', 'auto'] : []);
const client = new Client(address);
const must = async (method, path, body) => {
  const answer = await client.ask(method, path, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
};
await must('POST', '/auth/signup', { name: 'viewer', password: 'three red herons at dawn' });
const { id: gallery } = await must('POST', '/galleries', { name: 'Live' });
const everyone = people(6);
const known = everyone.slice(0, 4);
for (const { name, photos } of known) {
  const { id: person } = await must('POST', `/galleries/${gallery}/people`, { name });
  const form = new FormData();
  for (const photo of photos.slice(0, enrolledPhotos)) form.append('photo', new Blob([readFileSync(photo)]), 'photo.jpg');
  await must('POST', `/galleries/${gallery}/people/${person}/photos`, form);
}
const job = await must('POST', `/galleries/${gallery}/versions`);
while (!['succeeded', 'failed'].includes((await must('GET', `/jobs/${job.id}`)).state)) await sleep(100);

const films = everyone.map(({ name, photos }, index) => ({
  name: index < known.length ? name : null,
  frames: filmOf(photos[enrolledPhotos]),
}));
const viewers = Array.from({ length: clientCount }, (_, index) => new Viewer(index, films));
for (const viewer of viewers) await viewer.open(address, gallery, client.cookie);
const timers = viewers.map((viewer) => setInterval(() => viewer.sendFrame(), 1_000 / framesPerSecond));
await sleep(2_000); // the first looks compile the networks' shapes
for (const viewer of viewers) Object.assign(viewer, { results: 0, longestGap_ms: 0, latencies_ms: [] });
const before_mb = memory_mb(child.pid);
let most_mb = before_mb;
for (let second = 0; second < seconds; second += 1) {
  await sleep(1_000);
  most_mb = Math.max(most_mb, memory_mb(child.pid));
}
timers.forEach(clearInterval);

const rates = viewers.map(({ results }) => results / seconds);
const all_ms = viewers.flatMap(({ latencies_ms }) => latencies_ms);
const right = viewers.reduce((sum, viewer) => sum + viewer.right, 0);
const wrong = viewers.flatMap((viewer) => viewer.wrong);
const gap_ms = Math.max(...viewers.map((viewer) => viewer.longestGap_ms));
console.log(`${clientCount} clients, ${seconds} s, ${width_px}x${height_px} at ${framesPerSecond} frames/s each`);
console.log(`results/s a client: ${rates.map((rate) => rate.toFixed(1)).join(' ')}; in all ${rates.reduce((a, b) => a + b).toFixed(1)}`);
console.log(`frame sent to result: p50 ${quantile(all_ms, 0.5).toFixed(0)} ms, p95 ${quantile(all_ms, 0.95).toFixed(0)} ms; longest gap ${gap_ms.toFixed(0)} ms`);
console.log(`named rightly ${right}, wrongly ${wrong.length}; memory ${before_mb.toFixed(0)} MB at first, ${most_mb.toFixed(0)} MB at most`);

assert.ok(Math.max(...rates) <= 2 * Math.min(...rates), 'one client starves');
assert.ok(gap_ms < 5_000, 'a client got nothing for long');
assert.deepEqual(wrong, []);
assert.ok(right > 0, 'nobody was recognized');
assert.ok(most_mb - before_mb < 64, 'memory grows');

assert.equal((await client.ask('POST', '/auth/logout')).status, 204);
for (const viewer of viewers) assert.equal(await viewer.closed, '1008 session_ended');
child.kill('SIGTERM');
assert.equal(await ended, 0);
