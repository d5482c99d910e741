// kill -9 of the server in the midst of 50 uploads, again and again: what was acknowledged is there after the restart,
// byte for byte, and no file is without a row nor a row without a file.
//   node tests/kill/kill_loop.mjs [ROUNDS]
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { haveTestData, startServer, testData } from '../browser/server.mjs';

const rounds = Number(process.argv[2] ?? 20);
const uploads = 50;
const atOnce = 4;

if (!haveTestData) {
  console.log('kill_loop: skipped: FACEFORGE_TEST_DATA is not there');
  process.exit(0);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A seeded generator, so that a failure can be run again (mulberry32). */
function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function* photosOfManyPeople() {
  for (const person of readdirSync(join(testData, 'lfw')).sort()) {
    for (const file of readdirSync(join(testData, 'lfw', person)).sort()) yield join(testData, 'lfw', person, file);
  }
}

class Client {
  constructor(address) {
    this.address = address;
  }
  async call(method, path, body) {
    const headers = { cookie: this.cookie ?? '', 'x-csrf-token': this.csrf ?? '' };
    if (body !== undefined && !(body instanceof FormData)) {
      headers['content-type'] = 'application/json';
      body = JSON.stringify(body);
    }
    const response = await fetch(this.address + path, { method, headers, body });
    const cookie = response.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response;
  }
  async json(method, path, body) {
    return (await this.call(method, path, body)).json();
  }
  async enter(path, name, password) {
    this.csrf = (await this.json('POST', path, { name, password })).csrf_token;
  }
}

function filesNamedByContent(folder) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && /^[0-9a-f]{64}$/.test(entry.name)) found.push(entry.name);
  }
  return found.sort();
}

function half_written(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(tmp|part)/.test(entry.name))
    .map((entry) => entry.name);
}

async function everyPhoto(client, people) {
  const photos = [];
  for (let cursor = ''; cursor !== null; ) {
    const page = await client.json('GET', `${people}/photos?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
    photos.push(...page.photos);
    cursor = page.next_cursor;
  }
  return photos;
}

const random = seeded(20);
const data = mkdtempSync(join(tmpdir(), 'faceforge-kill-'));
const source = photosOfManyPeople();
const acknowledged = new Map(); // photo id -> sha256 of the bytes sent
let lost = 0;
let total = 0;
let failed = false;

function complain(text) {
  failed = true;
  console.error(`kill_loop: ${text}`);
}

let gallery;
for (let round = 1; round <= rounds; ++round) {
  let server = await startServer({ data });
  const client = new Client(server.address);
  if (round === 1) {
    await client.enter('/api/v1/auth/signup', 'ada', 'three red herons at dawn');
    gallery = (await client.json('POST', '/api/v1/galleries', { name: 'all' })).id;
  } else {
    await client.enter('/api/v1/auth/login', 'ada', 'three red herons at dawn');
  }
  // A person a round keeps within the limit of photos a person.
  const person = (await client.json('POST', `/api/v1/galleries/${gallery}/people`, { name: `round ${round}` })).id;
  const people = `/api/v1/galleries/${gallery}/people/${person}`;

  const queue = Array.from({ length: uploads }, () => source.next().value);
  let dead = false;
  let thisRound = 0;
  const killAfter = 1 + Math.floor(random() * (uploads - 10));
  const worker = async () => {
    while (!dead && queue.length > 0) {
      const bytes = readFileSync(queue.shift());
      const form = new FormData();
      form.append('photo', new Blob([bytes]), 'photo.jpg');
      try {
        const report = await client.json('POST', `${people}/photos`, form);
        for (const result of report.results) {
          if (result.outcome === 'taken') acknowledged.set(result.photo.id, { sha: sha256(bytes), people });
        }
        if (++thisRound === killAfter) {
          dead = true;
          // Not at once: some uploads are to be cut at whatever they are doing.
          setTimeout(() => server.child.kill('SIGKILL'), random() * 40);
        }
      } catch (error) {
        if (!dead) throw error;
        ++lost;
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  await server.stop('SIGKILL');
  total += thisRound;

  server = await startServer({ data });
  const again = new Client(server.address);
  await again.enter('/api/v1/auth/login', 'ada', 'three red herons at dawn');
  const rows = [];
  for (const { id } of (await again.json('GET', `/api/v1/galleries/${gallery}/people?limit=200`)).people) {
    rows.push(...(await everyPhoto(again, `/api/v1/galleries/${gallery}/people/${id}`)));
  }
  const known = new Set(rows.map((row) => row.id));
  for (const [id, { sha, people: owner }] of acknowledged) {
    if (!known.has(id)) complain(`round ${round}: photo ${id} was acknowledged and is gone`);
    else {
      const back = Buffer.from(await (await again.call('GET', `${owner}/photos/${id}/image`)).arrayBuffer());
      if (sha256(back) !== sha) complain(`round ${round}: photo ${id} came back changed`);
    }
  }
  const contents = new Set();
  for (const row of rows) {
    if (row.file_missing) complain(`round ${round}: photo ${row.id} is a row without a file`);
    const image = await (await again.call('GET', `/api/v1/galleries/${gallery}/people/${row.person_id}/photos/${row.id}/image`)).arrayBuffer();
    contents.add(sha256(Buffer.from(image)));
  }
  const files = filesNamedByContent(data);
  for (const name of files) if (!contents.has(name)) complain(`round ${round}: the file ${name.slice(0, 12)} has no row`);
  if (files.length !== contents.size) complain(`round ${round}: ${files.length} files for ${contents.size} contents`);
  for (const name of half_written(data)) complain(`round ${round}: ${name} was left half-written`);
  await server.stop('SIGTERM');
  console.log(`round ${round}: killed after ${thisRound} answers; ${rows.length} photos, ${files.length} files`);
}
rmSync(data, { recursive: true, force: true });
console.log(`kill_loop: ${rounds} kills, ${total} uploads answered, ${acknowledged.size} photos acknowledged, ${lost} cut off`);
process.exit(failed ? 1 : 0);
