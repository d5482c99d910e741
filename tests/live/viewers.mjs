// Clients of the live socket as tests make them: people of LFW who come and go before a camera, shown to a real server.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { WebSocket } from 'ws';
import { haveTestData, testData } from '../cli/faceforge.mjs';
import { Client } from '../cli/server.mjs';

export const framesPerSecond = 30;
export const width_px = 640;
export const height_px = 480;
export const shownFor_ms = 4_000; // one person, then a cut to another
const placesOfAPhoto = 10;
const enrolledPhotos = 4;
export const sleep = (time_ms) => new Promise((resolve) => setTimeout(resolve, time_ms));

/** Ends the process, as a test that skips does, where there are no photos. */
export function needPhotos(test) {
  if (haveTestData) return;
  console.log(`${test}: skipped: FACEFORGE_TEST_DATA is not there`);
  process.exit(77);
}

/** People of LFW with enough photos to enroll some and show others. */
export function people(count) {
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

/** The films of people, of whom the first are enrolled and the others strangers. */
export const filmsOf = (everyone, enrolledCount) =>
  everyone.map(({ name, photos }, index) => ({ name: index < enrolledCount ? name : null, frames: filmOf(photos[enrolledPhotos]) }));

export class Viewer {
  /** in: `index` of the film that is shown first */
  constructor(index, films) {
    this.index = index;
    this.began_ms = performance.now();
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
    this.unknownTracks = new Set();
  }

  async open(address, gallery, cookie) {
    const url = `${address.replace('http', 'ws')}/api/v1/galleries/${gallery}/live`;
    this.socket = new WebSocket(url, { headers: { cookie }, origin: address, perMessageDeflate: false, rejectUnauthorized: false });
    this.closed = new Promise((resolve) => this.socket.on('close', (code, reason) => resolve(`${code} ${reason}`)));
    this.socket.on('message', (text) => this.take(JSON.parse(text)));
    await new Promise((resolve, reject) => this.socket.on('open', resolve).on('error', reject));
  }

  film() {
    const cut = Math.floor((performance.now() - this.began_ms) / shownFor_ms);
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
    for (const { person, decision, track_id } of message.faces) {
      if (decision === 'unknown') this.unknownTracks.add(track_id);
      if (person === null) continue;
      if (person === shown.name) this.right += 1;
      else this.wrong.push(`${person} for ${shown.name ?? 'a stranger'}`);
    }
  }
}

/** An account with a trained gallery of these people. */
export async function enrolled(address, known) {
  const client = new Client(address);
  const must = async (method, path, body) => {
    const answer = await client.ask(method, path, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await must('POST', '/auth/signup', { name: 'viewer', password: 'three red herons at dawn' });
  const { id: gallery } = await must('POST', '/galleries', { name: 'Live' });
  for (const { name, photos } of known) {
    const { id: person } = await must('POST', `/galleries/${gallery}/people`, { name });
    const form = new FormData();
    for (const photo of photos.slice(0, enrolledPhotos)) form.append('photo', new Blob([readFileSync(photo)]), 'photo.jpg');
    await must('POST', `/galleries/${gallery}/people/${person}/photos`, form);
  }
  const job = await must('POST', `/galleries/${gallery}/versions`);
  while (!['succeeded', 'failed'].includes((await must('GET', `/jobs/${job.id}`)).state)) await sleep(100);
  return { client, gallery, must };
}
