// kill -9 of the server in the midst of uploads, deletions, a training and the deletion of an account, again and again:
// what was acknowledged is so after the restart, byte for byte, no file is without a row nor a row without a file, and
// nothing lies there half-written.
//   node tests/kill/kill_loop.mjs [ROUNDS]
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { haveTestData, startServer, testData } from '../browser/server.mjs';
import { Client } from '../support/client.mjs';
import { seededRandom } from '../support/seeded_random.mjs';

const rounds = Number(process.argv[2] ?? 20);
const uploads = 50;
const deletions = 12;
const atOnce = 4;
const photosOfLeaver = 4;
const password = 'three red herons at dawn';

if (!haveTestData) {
  console.log('kill_loop: skipped: FACEFORGE_TEST_DATA is not there');
  process.exit(0);
}

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const sleep = (time_ms) => new Promise((resolve) => setTimeout(resolve, time_ms));

function* photosOfManyPeople() {
  for (const person of readdirSync(join(testData, 'lfw')).sort()) {
    for (const file of readdirSync(join(testData, 'lfw', person)).sort()) yield join(testData, 'lfw', person, file);
  }
}

class Refused extends Error {
  constructor(what, status, text) {
    super(`${what}: ${status} ${text}`);
    this.status = status;
  }
}

/** A client that is never refused; where it is, that is an error. */
class User extends Client {
  async call(method, path, body) {
    const response = await this.send(method, path, body);
    if (!response.ok) throw new Refused(`${method} ${path}`, response.status, await response.text());
    return response;
  }
  async json(method, path, body) {
    return (await this.call(method, path, body)).json();
  }
  async enter(path, name) {
    this.csrf = (await this.json('POST', path, { name, password })).csrf_token;
    return this;
  }
  async bytes(path) {
    return Buffer.from(await (await this.call('GET', path)).arrayBuffer());
  }
  async all(path, name) {
    const found = [];
    for (let cursor = ''; cursor !== null; ) {
      const page = await this.json('GET', `${path}?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      found.push(...page[name]);
      cursor = page.next_cursor;
    }
    return found;
  }
  /** Uploads one photo; its id, or nothing when it was not taken. */
  async upload(people, bytes) {
    const form = new FormData();
    form.append('photo', new Blob([bytes]), 'photo.jpg');
    const { results } = await this.json('POST', `${people}/photos`, form);
    return results[0].outcome === 'taken' ? results[0].photo.id : undefined;
  }
}

const logIn = (server, name) => new User(server.address).enter('/api/v1/auth/login', name);
const signUp = (server, name) => new User(server.address).enter('/api/v1/auth/signup', name);

function filesBelow(folder, pattern) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}

const halfWritten = /^\.writing-|^body-|\.(tmp|part)$/;
const random = seededRandom(20);
const data = mkdtempSync(join(tmpdir(), 'faceforge-kill-'));
const source = photosOfManyPeople();
const nextPhoto = () => readFileSync(source.next().value);
const kept = new Map(); // photo id -> { sha, path }: acknowledged, and nobody asked to delete it
const gone = new Set(); // photo ids whose deletion was acknowledged
const trained = new Set(); // numbers of versions that a job told
let failed = false;
let kills = 0;
let cut = 0;
let swept = 0; // half-written files that a kill left and the next start has to remove
let gallery;

function complain(text) {
  failed = true;
  console.error(`kill_loop: ${text}`);
}

/** Runs `deed`, whose `kill` ends the server within `time_ms` after `least_ms`; what is cut off by that is no error. */
async function killDuring(deed) {
  const server = await startServer({ data });
  const client = await logIn(server, 'ada');
  let dead = false;
  const kill = (time_ms, least_ms = 0) => {
    dead = true;
    setTimeout(() => server.child.kill('SIGKILL'), least_ms + random() * time_ms);
  };
  /** Answers what `request` does, or nothing when the kill cut it off. */
  const unlessCut = async (request) => {
    try {
      return await request();
    } catch (error) {
      if (!dead || error instanceof Refused) throw error;
      ++cut;
      return undefined;
    }
  };
  const outcome = await deed({ server, client, kill, unlessCut, isDead: () => dead });
  await server.stop('SIGKILL');
  ++kills;
  swept += filesBelow(data, halfWritten).length;
  return outcome;
}

async function withWorkers(queue, isDead, work) {
  const worker = async () => {
    while (!isDead() && queue.length > 0) await work(queue.shift());
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function uploadMany({ client, kill, unlessCut, isDead }, round) {
  // A person a round keeps within the limit of photos a person.
  const { id } = await client.json('POST', `/api/v1/galleries/${gallery}/people`, { name: `round ${round}` });
  const people = `/api/v1/galleries/${gallery}/people/${id}`;
  const killAfter = 1 + Math.floor(random() * (uploads - 10));
  let answered = 0;
  await withWorkers(Array.from({ length: uploads }, nextPhoto), isDead, async (bytes) => {
    const photo = await unlessCut(async () => ({ id: await client.upload(people, bytes) }));
    if (photo === undefined) return;
    if (photo.id !== undefined) kept.set(photo.id, { sha: sha256(bytes), path: `${people}/photos/${photo.id}` });
    // Not at once: some uploads are to be cut at whatever they are doing.
    if (++answered === killAfter) kill(40);
  });
  return `${answered} uploads answered`;
}

async function deleteMany({ client, kill, unlessCut, isDead }) {
  const chosen = [...kept].sort(() => random() - 0.5).slice(0, deletions);
  const killAfter = 1 + Math.floor(random() * Math.max(1, chosen.length - 4));
  let answered = 0;
  await withWorkers(chosen, isDead, async ([id, { path }]) => {
    kept.delete(id); // from here on it may be there or not
    const done = await unlessCut(() => client.call('DELETE', path));
    if (done === undefined) return;
    gone.add(id);
    if (++answered === killAfter) kill(10);
  });
  return `${answered} deletions answered`;
}

async function train({ client, kill, unlessCut, isDead }) {
  const job = await client.json('POST', `/api/v1/galleries/${gallery}/versions`);
  kill(250);
  while (isDead()) {
    const seen = await unlessCut(() => client.json('GET', `/api/v1/jobs/${job.id}`));
    if (seen === undefined) return 'the training was cut off or is to be looked for';
    if (seen.state === 'succeeded') {
      trained.add(seen.result.version);
      return `version ${seen.result.version} was there before`;
    }
  }
  return '';
}

/** Out: the name of the account, and whether its deletion was acknowledged. */
async function deleteAccount({ server, kill, unlessCut }, round) {
  const name = `leaver.${round}`;
  const leaver = await signUp(server, name);
  const { id } = await leaver.json('POST', '/api/v1/galleries', { name: 'mine' });
  const person = await leaver.json('POST', `/api/v1/galleries/${id}/people`, { name: 'me' });
  for (let taken = 0; taken < photosOfLeaver; ) {
    if (await leaver.upload(`/api/v1/galleries/${id}/people/${person.id}`, nextPhoto())) ++taken;
  }
  const begin_ms = performance.now();
  await logIn(server, name);
  const hashing_ms = performance.now() - begin_ms; // so long nothing is deleted yet
  kill(0.6 * hashing_ms, 0.8 * hashing_ms);
  const done = await unlessCut(() => leaver.call('DELETE', '/api/v1/me', { password }));
  return { name, acknowledged: done !== undefined };
}

/** Every photo of an account, with its bytes' hash. */
async function photosOf(client, where) {
  const photos = [];
  for (const { id } of await client.all('/api/v1/galleries', 'galleries')) {
    for (const person of await client.all(`/api/v1/galleries/${id}/people`, 'people')) {
      const people = `/api/v1/galleries/${id}/people/${person.id}`;
      for (const row of await client.all(`${people}/photos`, 'photos')) {
        if (row.file_missing) complain(`${where}: photo ${row.id} is a row without a file`);
        photos.push({ id: row.id, sha: sha256(await client.bytes(`${people}/photos/${row.id}/image`)) });
      }
    }
  }
  return photos;
}

async function checkJobs(client, where) {
  for (let wait = 0; ; ++wait) {
    const jobs = await client.all('/api/v1/jobs', 'jobs');
    const open = jobs.filter((job) => job.state === 'queued' || job.state === 'running');
    if (open.length === 0) return;
    if (wait === 300) return complain(`${where}: job ${open[0].id} is ${open[0].state} for ever`);
    await sleep(100);
  }
}

async function checkVersions(client, known, where) {
  const versions = await client.all(`/api/v1/galleries/${gallery}/versions`, 'versions');
  const numbers = new Set(versions.map((version) => version.number));
  for (const number of trained) if (!numbers.has(number)) complain(`${where}: version ${number} is gone`);
  for (const number of numbers) {
    const report = await client.json('GET', `/api/v1/galleries/${gallery}/versions/${number}`);
    for (const person of report.people) {
      for (const photo of person.photos) {
        if (!known.has(photo.id)) complain(`${where}: version ${number} holds photo ${photo.id}, which is gone`);
      }
    }
  }
}

/** What must be so whatever was cut off; `leaver` is the account that was being deleted, if any. */
async function check(where, leaver) {
  const server = await startServer({ data });
  const client = await logIn(server, 'ada');
  await checkJobs(client, where);
  const photos = await photosOf(client, where);
  const shaOf = new Map(photos.map(({ id, sha }) => [id, sha]));
  for (const [id, { sha }] of kept) {
    if (!shaOf.has(id)) complain(`${where}: photo ${id} was acknowledged and is gone`);
    else if (shaOf.get(id) !== sha) complain(`${where}: photo ${id} came back changed`);
  }
  for (const id of gone) if (shaOf.has(id)) complain(`${where}: photo ${id} was deleted and is there`);
  await checkVersions(client, shaOf, where);
  const contents = new Set(shaOf.values());
  if (leaver !== undefined) {
    for (const sha of await contentsOfLeaver(server, leaver, where)) contents.add(sha);
  }
  const files = filesBelow(data, /^[0-9a-f]{64}$/);
  for (const name of files) if (!contents.has(name)) complain(`${where}: the file ${name.slice(0, 12)} has no row`);
  if (files.length !== contents.size) complain(`${where}: ${files.length} files for ${contents.size} contents`);
  for (const name of filesBelow(data, halfWritten)) complain(`${where}: ${name} was left half-written`);
  if (leaver !== undefined) await removeLeaver(server, leaver);
  await server.stop('SIGTERM');
  return `${photos.length} photos, ${files.length} files`;
}

/** All or nothing of an account is left. */
async function contentsOfLeaver(server, { name, acknowledged }, where) {
  let client;
  try {
    client = await logIn(server, name);
  } catch (error) {
    if (error.status !== 401) throw error;
    return [];
  }
  if (acknowledged) complain(`${where}: account ${name} was deleted and logs in`);
  const photos = await photosOf(client, where);
  if (photos.length !== photosOfLeaver) complain(`${where}: account ${name} has ${photos.length} of its photos`);
  return photos.map(({ sha }) => sha);
}

async function removeLeaver(server, { name }) {
  try {
    await (await logIn(server, name)).call('DELETE', '/api/v1/me', { password });
  } catch (error) {
    if (error.status !== 401) throw error;
  }
}

const first = await startServer({ data });
gallery = (await (await signUp(first, 'ada')).json('POST', '/api/v1/galleries', { name: 'all' })).id;
await first.stop('SIGTERM');
for (let round = 1; round <= rounds; ++round) {
  const say = (what, found) => console.log(`round ${round}: ${what}; ${found}`);
  say(await killDuring((during) => uploadMany(during, round)), await check(`round ${round}, uploads`));
  say(await killDuring(deleteMany), await check(`round ${round}, deletions`));
  say(await killDuring(train), await check(`round ${round}, training`));
  const leaver = await killDuring((during) => deleteAccount(during, round));
  say(`account ${leaver.acknowledged ? '' : 'perhaps '}deleted`, await check(`round ${round}, account`, leaver));
}
rmSync(data, { recursive: true, force: true });
console.log(`kill_loop: ${kills} kills, ${kept.size} photos kept, ${gone.size} deleted, ${trained.size} versions told, ${cut} requests cut off, ${swept} half-written files swept`);
process.exit(failed ? 1 : 0);
