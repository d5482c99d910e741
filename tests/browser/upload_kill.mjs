// 200 photos of LFW go to a server that is killed (kill -9) twice meanwhile: the page goes on by itself, and in the end
// exactly these 200 photos are there, each with its person, none lost and none doubled.
//   node tests/browser/upload_kill.mjs [PHOTOS]
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from '../../web/node_modules/fflate/esm/index.mjs';
import { launch, watch, why } from './browser.mjs';
import { startServer, testData } from './server.mjs';

const wanted = Number(process.argv[2] ?? 200);
const photosEach = 4;
const killedAt = [0.25, 0.6];
const password = 'three red herons at dawn';

if (why) {
  console.log(`upload_kill: skipped: ${why}`);
  process.exit(77);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Photos in which the server sees exactly one face: LFW shows others in the background of some. */
async function choosePhotos(request, api, headers) {
  const chosen = [];
  for (const person of readdirSync(join(testData, 'lfw')).sort()) {
    const files = readdirSync(join(testData, 'lfw', person)).sort().slice(0, photosEach);
    if (files.length < photosEach) continue;
    for (const name of files) {
      const bytes = readFileSync(join(testData, 'lfw', person, name));
      const multipart = { photo: { name, mimeType: 'image/jpeg', buffer: bytes } };
      const { faces } = await (await request.post(`${api}/detect`, { headers, multipart })).json();
      if (faces.length === 1 && faces[0].quality.face_size_px >= 24) chosen.push({ person, name, bytes });
      if (chosen.length === wanted) return chosen;
    }
  }
  throw new Error(`only ${chosen.length} photos with one face`);
}

/** What the server holds: the person and the content of every photo. */
async function held(request, api, gallery) {
  const found = [];
  const read = async (path) => (await request.get(api + path)).json();
  for (let cursor = ''; cursor !== null; ) {
    const page = await read(`/galleries/${gallery}/people?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    for (const { id, name } of page.people) {
      const { photos } = await read(`/galleries/${gallery}/people/${id}/photos?limit=200`);
      for (const photo of photos) {
        const image = await request.get(`${api}/galleries/${gallery}/people/${id}/photos/${photo.id}/image`);
        found.push(`${name} ${photo.file_name} ${sha256(await image.body())}`);
      }
    }
    cursor = page.next_cursor;
  }
  return found.sort();
}

const data = mkdtempSync(join(tmpdir(), 'faceforge-upload-'));
let server = await startServer({ data });
const browser = await launch();
try {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(60_000);
  const watched = watch(page);
  const api = `${server.address}/api/v1`;
  await page.goto(server.address);
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  const { csrf_token } = await (await page.request.get(`${api}/auth/session`)).json();
  const photos = await choosePhotos(page.request, api, { 'X-CSRF-Token': csrf_token, Origin: server.address });
  const people = new Set(photos.map(({ person }) => person)).size;

  await page.getByRole('button', { name: 'Make the first one' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Many');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name: 'Many' }).waitFor();
  const zip = zipSync(Object.fromEntries(photos.map(({ person, name, bytes }) => [`${person}/${name}`, [new Uint8Array(bytes), { level: 0 }]])));
  await page.getByLabel('Choose a zip', { exact: true }).last().setInputFiles({ name: 'all.zip', mimeType: 'application/zip', buffer: Buffer.from(zip) });
  await page.getByRole('heading', { name: `Add ${wanted} photos of ${people} people?` }).waitFor();
  await page.getByRole('button', { name: 'Add them' }).click();

  const done = async () => Number(/(\d+) of \d+ photos? done/.exec(await page.locator('main').innerText())?.[1] ?? 0);
  for (const part of killedAt) {
    while ((await done()) < part * wanted) await page.waitForTimeout(50);
    const before = await done();
    await server.stop('SIGKILL');
    await page.getByText(/The server cannot be reached/).first().waitFor();
    server = await startServer({ data, port: server.port });
    console.log(`upload_kill: killed after ${before} of ${wanted} photos, started again`);
  }
  await page.getByText(`${wanted} photos were added.`).waitFor({ timeout: 300_000 });
  const expected = photos.map(({ person, name, bytes }) => `${person.replaceAll('_', ' ')} ${name} ${sha256(bytes)}`).sort();
  assert.deepEqual(await held(page.request, api, 1), expected);
  watched.forgive(/ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET/);
  assert.deepEqual(watched.faults, []);
  console.log(`upload_kill: exactly these ${wanted} photos of ${people} people are there`);
} finally {
  await browser.close();
  await server.stop();
  rmSync(data, { recursive: true, force: true });
}
