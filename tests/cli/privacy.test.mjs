// What stays hidden from others on the same machine.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
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
