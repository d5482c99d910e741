// What stays hidden from others on the same machine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, lstatSync, mkdirSync, openSync, readFileSync, readSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder, lfw, run, skip, testData } from './faceforge.mjs';
import { Client, serve } from './server.mjs';

const password = 'three red herons at dawn';
const careless = ['sh', '-c', 'umask 000; exec "$@"', 'sh'];  // a umask that hides nothing

/** Every path in a folder with its mode. */
function* modes(place) {
  for (const entry of readdirSync(place, { withFileTypes: true })) {
    const path = join(place, entry.name);
    yield { path, isFolder: entry.isDirectory(), mode: lstatSync(path).mode & 0o777 };
    if (entry.isDirectory()) yield* modes(path);
  }
}

function assertAllPrivate(place) {
  const all = [...modes(place)];
  const open = all.filter(({ isFolder, mode }) => mode !== (isFolder ? 0o700 : 0o600));
  assert.deepEqual(open.map(({ path, mode }) => `${mode.toString(8)} ${path}`), []);
  return all.map(({ path }) => path.slice(place.length + 1));
}

test('all that is made under the data folder is its owner\'s alone, whatever the umask', { skip }, async () => {
  const above = join(folder, 'private');
  const data = join(above, 'deep', 'data');
  const installed = await run(['packs', 'install', join(testData, 'packs', 'scrfd500-mbf'), '--accept-licence', '--data', data],
    { through: careless });
  assert.equal(installed.code, 0, installed.stderr);
  const { child, address, ended } = await serve(data, [], { through: careless });
  const client = new Client(address);
  assert.equal((await client.ask('POST', '/auth/signup', { name: 'ada', password })).status, 201);
  const gallery = (await client.ask('POST', '/galleries', { name: 'Staff' })).body;
  const person = (await client.ask('POST', `/galleries/${gallery.id}/people`, { name: 'Zico' })).body;
  const form = new FormData();
  form.append('photo', new Blob([readFileSync(lfw('Zico')), Buffer.alloc(2 << 20)]), 'photo.jpg');  // long enough to be spooled
  const sent = await client.ask('POST', `/galleries/${gallery.id}/people/${person.id}/photos`, form);
  assert.equal(sent.body.results[0].outcome, 'taken');
  assert.ok(existsSync(join(data, 'faceforge.sqlite3-wal')));
  const paths = assertAllPrivate(above);
  for (const part of [/spool$/, /photos\/\d+\/..\/[0-9a-f]{64}$/, /token\.key$/, /sqlite3-shm$/, /packs\/scrfd500-mbf\/card\.json$/]) {
    assert.ok(paths.some((path) => part.test(path)), `${part}`);
  }
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assertAllPrivate(above);
});

test('a data folder of one\'s own keeps its mode, and what lay open in it is closed', { skip }, async () => {
  const data = join(folder, 'shared');
  for (const part of ['', 'spool', 'packs', 'photos']) {
    mkdirSync(join(data, part), { recursive: true });
    chmodSync(join(data, part), 0o755);
  }
  writeFileSync(join(data, 'faceforge.sqlite3'), '');
  chmodSync(join(data, 'faceforge.sqlite3'), 0o644);
  const { child, ended } = await serve(data, [], { through: careless });
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  assert.equal(lstatSync(data).mode & 0o777, 0o755);
  for (const part of ['spool', 'photos']) assert.equal(lstatSync(join(data, part)).mode & 0o777, 0o700, part);
  assert.equal(lstatSync(join(data, 'faceforge.sqlite3')).mode & 0o777, 0o600);
});

/** How often a text, as bytes or as 32-bit code points, is in the memory that a process may write. */
function countInMemory(pid, text) {
  const wide = Buffer.alloc(4 * text.length);
  [...text].forEach((character, index) => wide.writeUInt32LE(character.codePointAt(0), 4 * index));
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const range = line.match(/^([0-9a-f]+)-([0-9a-f]+) rw/);
    if (!range) continue;
    const [begin, end] = range.slice(1).map((digits) => BigInt(`0x${digits}`));
    if (end - begin > 1n << 32n) continue; // a sanitizer's books on the memory: terabytes, without the program's own bytes
    const bytes = Buffer.alloc(Number(end - begin));
    try {
      readSync(memory, bytes, 0, bytes.length, begin);
    } catch {
      continue; // a guard, or gone meanwhile
    }
    for (const wanted of [Buffer.from(text), wide]) {
      for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) ++count;
    }
  }
  closeSync(memory);
  return count;
}

/** Whether this process may read another's memory that it started: some systems say no. */
function mayReadMemory() {
  const child = spawn('sleep', ['60'], { env: { MARK: 'to be found' } });
  try {
    return countInMemory(child.pid, 'to be found') > 0;
  } catch {
    return false;
  } finally {
    child.kill();
  }
}

test('no password stays in the server\'s memory once it was used', { skip: skip || (mayReadMemory() ? false : 'no right to read memory') }, async () => {
  const { child, address, ended } = await serve(join(folder, 'memory'));
  const client = new Client(address);
  const long = 'Unmistakable-\u00e9l\u00e9phant-"quoted"-94613857';
  const short = 'Zx9-kq4#Wv2p';  // short texts are kept within their objects, on stacks
  const wrong = 'Quite-wrong-5501877\\';
  assert.equal((await client.ask('POST', '/auth/signup', { name: 'marker-of-ada', password: long })).status, 201);
  assert.equal((await client.ask('POST', '/auth/login', { name: 'marker-of-ada', password: wrong })).status, 401);
  assert.equal((await client.ask('POST', '/auth/login', { name: 'marker-of-ada', password: long })).status, 200);
  assert.equal((await client.ask('PUT', '/me/password', { current_password: long, new_password: short })).status, 204);
  assert.equal((await client.ask('POST', '/auth/login', { name: 'marker-of-ada', password: short })).status, 200);
  assert.equal((await client.ask('POST', '/auth/login', { name: 'marker-of-ada', password: 'Too-long-77310926'.repeat(20) })).status, 400);
  assert.ok(countInMemory(child.pid, 'marker-of-ada') > 0, 'what is not wiped is found');
  for (const password of [long, JSON.stringify(long).slice(1, -1), short, wrong, 'Too-long-77310926']) {
    assert.equal(countInMemory(child.pid, password), 0, password);
  }
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('a password that is too long is refused with its length and the limit, everywhere', { skip }, async () => {
  const data = join(folder, 'too-long');
  const { child, address, ended } = await serve(data);
  const client = new Client(address);
  const long = 'x'.repeat(300);
  const refused = async (method, path, content) => {
    const { status, body } = await client.ask(method, path, content);
    assert.equal(status, 400, path);
    assert.equal(body.error.reason, 'password_too_long', path);
    assert.match(body.error.message, /at most 256 characters, not 300$/);
  };
  await refused('POST', '/auth/signup', { name: 'ada', password: long });
  assert.equal((await client.ask('POST', '/auth/signup', { name: 'ada', password })).status, 201);
  await refused('POST', '/auth/login', { name: 'ada', password: long });
  await refused('POST', '/auth/login', { name: 'nobody', password: long });
  await refused('PUT', '/me/password', { current_password: password, new_password: long });
  await refused('PUT', '/me/password', { current_password: long, new_password: password });
  await refused('DELETE', '/me', { password: long });
  const reset = (input) => run(['user', 'reset-password', 'ada', '--data', data], { input });
  for (const [input, said] of [[`${long}\n`, /at most 256 characters, not 300/], ['x'.repeat(5000), /at most 256 characters; this line has more than 4096 bytes/]]) {
    const { code, stderr } = await reset(input);
    assert.equal(code, 3, stderr);
    assert.match(stderr, said);
    assert.match(stderr, /\(password_too_long\)/);
  }
  assert.equal((await client.ask('POST', '/auth/login', { name: 'ada', password })).status, 200, 'nothing was changed');
  const longest = 'y'.repeat(256);
  assert.equal((await reset(`${longest}\r\n`)).code, 0);
  assert.equal((await client.ask('POST', '/auth/login', { name: 'ada', password: longest })).status, 200, 'none was cut');
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('what looks after accounts makes nothing where no server has been', async () => {
  const nowhere = join(folder, 'nowhere');
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  for (const command of [['list'], ['reset-password', 'ada']]) {
    for (const [place, options] of [[nowhere, []], [empty, []], [nowhere, ['--database', join(empty, 'other.sqlite3')]]]) {
      const { code, stderr } = await run(['user', ...command, '--data', place, ...options], { input: `${password}\n` });
      assert.equal(code, 4, stderr);
      assert.match(stderr, /has no database of FaceForge.*\(no_database\)/);
      if (options.length === 0) assert.ok(stderr.includes(place), 'the folder is named');
    }
  }
  assert.ok(!existsSync(nowhere));
  assert.deepEqual(readdirSync(empty), []);
});

test('without a home folder nothing is kept in the working folder', async () => {
  const here = join(folder, 'here');
  mkdirSync(here);
  for (const env of [{ HOME: '', XDG_DATA_HOME: '' }, { HOME: 'home', XDG_DATA_HOME: 'relative' }]) {
    for (const args of [['serve', '--listen', '127.0.0.1:0'], ['packs', 'list'], ['packs', 'install', 'faceapi'], ['user', 'list'], ['detect', 'x.jpg']]) {
      const { code, stderr } = await run(args, { env, through: ['env', '-C', here] });
      assert.equal(code, 3, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, /name the folder with --data DIR \(data_folder_unknown\)/);
    }
    const named = await run(['packs', 'list', '--data', 'own'], { env, through: ['env', '-C', here] });
    assert.equal(named.code, 0, named.stderr);
  }
  assert.deepEqual(readdirSync(here), []);
});
