// Two clients of the live socket at once, with recording on: of each stranger whom they show a face is kept, and of everybody
// known that they were seen, however the two share the server's cores.
//   node tests/live/recording.mjs [--trials 1]
// Fewer faces are kept than tracks are unknown, and fewer with every trial that deletes nothing before: the films have ten
// frames of a photo, and a picture that is there already is not kept again (`unknown_face_duplicate`).
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folder } from '../cli/faceforge.mjs';
import { serve } from '../cli/server.mjs';
import { enrolled, filmsOf, framesPerSecond, needPhotos, people, shownFor_ms, sleep, Viewer } from './viewers.mjs';

const { values: options } = parseArgs({ options: { trials: { type: 'string', default: '1' } } });
needPhotos('live recording');

const everyone = people(4);
const known = everyone.slice(0, 2);
const { child, address, ended } = await serve(join(folder, 'live_recording'));
const { client, gallery, must } = await enrolled(address, known);
const films = filmsOf(everyone, known.length);
await must('PUT', `/galleries/${gallery}/recording`, { is_on: true, kept_days: 30 });

/** Shows every film once, the second client in another order, and gives what was kept. */
async function trial() {
  const viewers = [new Viewer(0, films), new Viewer(2, films)];
  for (const viewer of viewers) await viewer.open(address, gallery, client.cookie);
  const timers = viewers.map((viewer) => setInterval(() => viewer.sendFrame(), 1_000 / framesPerSecond));
  await sleep(films.length * shownFor_ms);
  timers.forEach(clearInterval);
  for (const viewer of viewers) viewer.socket.close();
  await Promise.all(viewers.map((viewer) => viewer.closed));
  // What was still before the cameras is written once the sockets have ended.
  let faces = [];
  let sightings = [];
  for (let tries = 0; tries < 100 && (faces.length < 2 || sightings.length < known.length); tries += 1) {
    await sleep(50);
    const { groups } = await must('GET', `/galleries/${gallery}/unknown-faces`);
    faces = groups.flatMap((group) => group.faces);
    ({ sightings } = await must('GET', `/galleries/${gallery}/sightings`));
  }
  const rates = viewers.map(({ results }) => (results / ((films.length * shownFor_ms) / 1_000)).toFixed(1));
  const tracks = viewers.map(({ unknownTracks }) => unknownTracks.size);
  console.log(`results/s a client: ${rates.join(' ')}; tracks shown as unknown ${tracks.join(' ')}, faces kept ${faces.length}; sightings ${sightings.length}`);
  return { faces, sightings, wrong: viewers.flatMap((viewer) => viewer.wrong) };
}

for (let number = 0; number < Number(options.trials); number += 1) {
  const { faces, sightings, wrong } = await trial();
  assert.deepEqual(wrong, []);
  assert.ok(faces.length >= 2, 'a face of each stranger is kept');
  assert.deepEqual(new Set(sightings.map(({ person }) => person)), new Set(known.map(({ name }) => name)));
  await must('DELETE', `/galleries/${gallery}/recording`);
}
child.kill('SIGTERM');
assert.equal(await ended, 0);
