// The live page against the socket as openapi.yaml describes it, its server's end played by the test: what is sent of the
// camera, what is shown of the answers, and what happens when the connection breaks.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { barriers, launch, photo, sideBySide, watch, why } from './browser.mjs';
import { startServer } from './server.mjs';

const pictures = process.env.FACEFORGE_SCREENSHOTS;
let server;
let browser;
let page;
let watched;
let scratch;
/** The server's end of each connection, and what came in on it. */
const connections = [];

before(async () => {
  if (why) return;
  scratch = mkdtempSync(join(tmpdir(), 'faceforge-live-'));
  if (pictures) mkdirSync(pictures, { recursive: true });
  server = await startServer({ data: join(scratch, 'data') });
  browser = await launch();
  const still = await sideBySide(browser, [photo('Hugo_Chavez', 1)], 1.9, { width: 640, height: 480 });
  const film = join(scratch, 'webcam.mjpeg');
  writeFileSync(film, Buffer.concat(Array(30).fill(still)));
  await browser.close();
  browser = await launch(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`]);
  page = await (await browser.newContext({ permissions: ['camera'] })).newPage();
  page.setDefaultTimeout(15_000);
  watched = watch(page);
  await page.route(/\/live$/, (route) => route.fulfill({ status: 426, contentType: 'text/plain', body: '' }));
  await page.routeWebSocket(/\/live\?/, (socket) => {
    const connection = { socket, frames: [] };
    connections.push(connection);
    socket.send(JSON.stringify({ type: 'ready', version: 1, limits: {} }));
    socket.onMessage((frame) => {
      connection.frames.push(Buffer.from(frame));
      connection.answer?.(Buffer.from(frame).readUInt32BE(0));
    });
  });
});

after(async () => {
  await browser?.close();
  await server?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

/** A trained gallery of one person; gives where it lies and a reference to the person. */
async function gallery() {
  const { csrf_token } = await (await page.request.get(`${server.address}/api/v1/auth/session`)).json();
  const headers = { 'X-CSRF-Token': csrf_token, Origin: server.address };
  const post = async (path, given) => (await page.request.post(`${server.address}/api/v1${path}`, { headers, ...given })).json();
  const { id } = await post('/galleries', { data: { name: 'Door' } });
  const person = await post(`/galleries/${id}/people`, { data: { name: 'Hugo Chavez' } });
  const file = { name: '1.jpg', mimeType: 'image/jpeg', buffer: readFileSync(photo('Hugo_Chavez', 1)) };
  const { results } = await post(`/galleries/${id}/people/${person.id}/photos`, { multipart: { photo: file } });
  const job = await post(`/galleries/${id}/versions`, {});
  for (let state = ''; state !== 'succeeded'; ) ({ state } = await (await page.request.get(`${server.address}/api/v1/jobs/${job.id}`)).json());
  return { id, candidate: { person: 'Hugo Chavez', person_id: person.id, similarity: 0.81, reference: '1.jpg', reference_photo_id: results[0].photo.id, reference_similarity: 0.9 } };
}

const result = (frame_id, candidate, face) => ({
  type: 'result', frame_id, version: 1, width_px: 640, height_px: 480, match_threshold: 0.4,
  faces: [{
    box: { x: 240, y: 130, width: 160, height: 200 }, track_id: 1, velocity: { x: 0, y: 0, width: 0, height: 0 }, decision: 'match',
    person: candidate.person, similarity: candidate.similarity, too_small: false, candidates: [candidate], ...face,
  }],
  times: { total_ms: 30 }, received_count: frame_id, dropped_count: 0,
});

/** How many pixels of the overlay are drawn on. */
const drawn = () =>
  page.locator('canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 3; at < data.length; at += 4) count += data[at] > 0 ? 1 : 0;
    return count;
  });

let candidate;

test('frames of the camera go out, and who is in them is shown and noted', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('three red herons at dawn');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  const made = await gallery();
  candidate = made.candidate;
  await page.goto(`${server.address}/galleries/${made.id}?tab=live`);
  await page.getByRole('button', { name: 'Start the camera' }).click();
  await page.getByText('Nobody before the camera.').waitFor();
  while (connections.length === 0 || connections[0].frames.length < 2) await page.waitForTimeout(20);
  await page.waitForTimeout(300);
  assert.equal(connections[0].frames.length, 2, 'no third frame goes out before the first is answered');
  const [first] = connections[0].frames;
  assert.equal(first.readUInt32BE(0), 1);
  assert.deepEqual([...first.subarray(4, 7)], [0xff, 0xd8, 0xff], 'a JPEG');
  connections[0].answer = (id) => setTimeout(() => connections[0].socket.send(JSON.stringify(result(id, candidate))), 15);
  connections[0].answer(2);
  await page.getByText('Most alike').waitFor();
  const log = page.getByRole('region', { name: 'Seen' });
  await log.getByRole('link', { name: 'Hugo Chavez' }).waitFor();
  await page.getByText(/^\d+ ms · \d+ a second · [012] on the way$/).waitFor();
  assert.ok((await drawn()) > 1000);
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, width, height] of [['desktop', 1280, 860], ['phone', 390, 844]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      if (pictures) await page.screenshot({ path: join(pictures, `20-live-${device}-${colorScheme}.png`), fullPage: true });
      assert.deepEqual(await barriers(page), [], `${device}, ${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 1280, height: 860 });
  assert.ok(connections[0].frames.length > 20);
});

test('a pause sends nothing, and a connection that breaks is made again', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.waitForTimeout(300);
  const count = connections[0].frames.length;
  await page.waitForTimeout(300);
  assert.equal(connections[0].frames.length, count);
  await page.getByRole('button', { name: 'Go on' }).click();
  connections[0].socket.close({ code: 1001, reason: 'server_stopping' });
  await page.getByText('Connecting to the server…').waitFor();
  while (connections.length < 2 || connections[1].frames.length < 1) await page.waitForTimeout(20);
  connections[1].answer = (id) => connections[1].socket.send(JSON.stringify(result(id, candidate, { decision: 'unknown', person: null, similarity: 0.2, track_id: 7 })));
  connections[1].answer(connections[1].frames.at(-1).readUInt32BE(0));
  await page.getByRole('region', { name: 'Seen' }).getByText('Unknown').waitFor();
});

test('an unknown face becomes a person with one click', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Name this face' }).click();
  await page.getByLabel('Find a person, or name a new one').fill('Newcomer');
  await page.getByRole('button', { name: /^New person/ }).click();
  await page.getByText(/The photo goes to/).waitFor();
  await page.getByRole('navigation').getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('link', { name: /Newcomer 1 photo/ }).waitFor();
});

test('a refusal that stays is told in words', { skip: why }, async () => {
  await page.getByRole('navigation').getByRole('link', { name: 'Live', exact: true }).click();
  await page.getByRole('button', { name: 'Start the camera' }).click();
  while (connections.length < 3) await page.waitForTimeout(20);
  connections[2].socket.close({ code: 1008, reason: 'gallery_not_trained' });
  await page.getByText('The gallery is not trained any more').waitFor();
  assert.deepEqual(watched.faults.filter((fault) => !/426/.test(fault)), []);
});
