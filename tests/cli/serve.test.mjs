// serve and user: start, signals, and what keeps a server from starting.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync, chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync, writeSync,
} from 'node:fs';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { binary, folder, lfw, run, runJson, skip } from './faceforge.mjs';
import { Client, serve } from './server.mjs';

const pack = ['--pack', 'scrfd500-mbf'];

async function signUp(address, name, password) {
  const response = await fetch(`${address}/api/v1/auth/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password }),
  });
  return response.status;
}

test('a server tells its address, answers, and ends in order on SIGTERM', { skip }, async () => {
  const { child, address, ended } = await serve(join(folder, 'serve-1'));
  assert.equal((await fetch(`${address}/readyz`)).status, 200);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('the pages are served where they are found, and the start says when there are none', { skip }, async () => {
  const pages = join(folder, 'pages');
  mkdirSync(pages);
  writeFileSync(join(pages, 'index.html'), '<!doctype html><title>mine</title>');
  for (const [extra, env, status] of [[[], { FACEFORGE_WEB: pages }, 200], [['--web', pages], {}, 200], [['--web', ''], {}, 404]]) {
    const { child, address, ended, said } = await serve(join(folder, 'serve-pages'), extra, { env });
    assert.equal((await fetch(`${address}/`)).status, status, extra.join(' '));
    assert.equal(said.includes('no pages'), status === 404, said);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});

/** Runs a command in a terminal of its own, and types an answer after each of the questions: `{ code, shown }`. */
function runInTerminal(args, answers) {
  const quoted = [binary, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--command', quoted, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const left = [...answers];
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    shown += text;
    if (left.length > 0 && shown.endsWith(left[0].question)) child.stdin.write(`${left.shift().answer}\n`);
  });
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve({ code, shown })));
}

test('in a terminal a new password is asked for twice, hidden, and must be the same', { skip }, async () => {
  const data = join(folder, 'serve-terminal');
  const { child, address, ended } = await serve(data);
  await signUp(address, 'ada', 'a long enough phrase 7');
  const reset = (first, second) => runInTerminal(['user', 'reset-password', 'ada', '--data', data],
    [{ question: 'New password: ', answer: first }, { question: 'Once more: ', answer: second }]);
  const differing = await reset('another long phrase 8', 'another long phrase 9');
  assert.equal(differing.code, 3, differing.shown);
  assert.match(differing.shown, /the two passwords differ \(passwords_differ\)/);
  assert.ok(!differing.shown.includes('another'), 'what is typed is not shown');
  const same = await reset('another long phrase 8', 'another long phrase 8');
  assert.equal(same.code, 0, same.shown);
  child.kill('SIGINT');
  assert.equal(await ended, 0);
});

test('one wish to end that is signalled twice still ends in order', { skip }, async () => {
  const { child, ended } = await serve(join(folder, 'serve-twice'));
  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('the administrator lists users and resets a password', { skip }, async () => {
  const data = join(folder, 'serve-2');
  const { child, address, ended } = await serve(data);
  const created = await signUp(address, 'ada', 'a long enough phrase 7');
  assert.ok(created === 200 || created === 201, `${created}`);
  const listed = await runJson(['user', 'list', '--data', data]);
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(listed.json.map(({ name, role }) => [name, role]), [['ada', 'administrator']]);
  const reset = await run(['user', 'reset-password', 'ada', '--data', data], { input: 'another long phrase 8\n' });
  assert.equal(reset.code, 0, reset.stderr);
  const unknown = await run(['user', 'reset-password', 'bob', '--data', data], { input: 'another long phrase 8\n' });
  assert.equal(unknown.code, 4);
  const short = await run(['user', 'reset-password', 'ada', '--data', data], { input: 'short\n' });
  assert.equal(short.code, 3);
  assert.ok(!short.stderr.includes('short\n'), 'the password is never repeated');
  child.kill('SIGINT');
  assert.equal(await ended, 0);
});

test('who is left when the only administrator has gone is made one from the command line', { skip }, async () => {
  const data = join(folder, 'serve-promote');
  const { child, address, ended } = await serve(data);
  const json = { 'content-type': 'application/json' };
  const ada = await fetch(`${address}/api/v1/auth/signup`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name: 'ada', password: 'a long enough phrase 7' }),
  });
  const { csrf_token } = await ada.json();
  assert.equal(await signUp(address, 'bob', 'another long phrase 8'), 201);
  const gone = await fetch(`${address}/api/v1/me`, {
    method: 'DELETE',
    headers: { ...json, cookie: ada.headers.get('set-cookie').split(';')[0], 'x-csrf-token': csrf_token },
    body: JSON.stringify({ password: 'a long enough phrase 7' }),
  });
  assert.equal(gone.status, 204);
  const roles = async () =>
    (await runJson(['user', 'list', '--data', data])).json.map(({ name, role }) => [name, role]);
  // Who is let in next is nobody's choice but that of whoever runs the server.
  assert.equal(await signUp(address, 'eve', 'yet another phrase 9'), 201);
  assert.deepEqual(await roles(), [['bob', 'user'], ['eve', 'user']]);
  const made = await run(['user', 'make-administrator', 'bob', '--data', data]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(await roles(), [['bob', 'administrator'], ['eve', 'user']]);
  const unknown = await run(['user', 'make-administrator', 'carol', '--data', data]);
  assert.equal(unknown.code, 4);
  assert.match(unknown.stderr, /user_not_found/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('what was recorded for as long as its gallery says goes soon after the next start', { skip }, async () => {
  const data = join(folder, 'serve-expired');
  const first = await serve(data);
  const client = new Client(first.address);
  assert.equal((await client.ask('POST', '/auth/signup', { name: 'ada', password: 'a long enough phrase 7' })).status, 201);
  const gallery = (await client.ask('POST', '/galleries', { name: 'Door' })).body.id;
  assert.equal((await client.ask('POST', `/galleries/${gallery}/people`, { name: 'Bob' })).status, 201);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);
  // Rows of days that have passed: 31 of them, and one.
  const day_ms = 86_400_000;
  const seen = [31, 1].map((days) => Date.now() - days * day_ms).map((at) =>
    `insert into sightings (owner_id, gallery_id, person_id, first_seen_ms, last_seen_ms, similarity, look_count)
     select owner_id, gallery_id, id, ${at}, ${at}, 0.5, 3 from people;`);
  const changed = spawnSync('sqlite3', ['-bail', join(data, 'faceforge.sqlite3'), seen.join('')], { encoding: 'utf8' });
  assert.equal(changed.status, 0, changed.stderr);
  const second = await serve(data);
  client.address = second.address;
  const count = async () => (await client.ask('GET', `/galleries/${gallery}`)).body.sighting_count;
  const end_ms = Date.now() + 5_000;
  while ((await count()) !== 1 && Date.now() < end_ms) await new Promise((done) => setTimeout(done, 50));
  assert.equal(await count(), 1);
  second.child.kill('SIGTERM');
  assert.equal(await second.ended, 0);
});

test('a second server keeps off the database of the first, whatever its data folder', { skip }, async () => {
  const database = ['--database', join(folder, 'shared.sqlite3')];
  const { child, ended } = await serve(join(folder, 'serve-shared-1'), database);
  const second = await run(['serve', '--listen', '127.0.0.1:0', '--data', join(folder, 'serve-shared-2'), ...database, ...pack]);
  assert.equal(second.code, 3);
  assert.match(second.stderr, /another faceforge serves this database.*\(database_in_use\)/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('a server that finds the database taken has not touched its tables', { skip }, async () => {
  const data = join(folder, 'serve-taken');
  const database = join(data, 'faceforge.sqlite3');
  mkdirSync(data);
  writeFileSync(database, '');
  const { code, stderr } = await run(['serve', '--listen', '127.0.0.1:0', '--data', data, ...pack],
    { through: ['flock', `${database}.server`] });
  assert.equal(code, 3, stderr);
  assert.match(stderr, /\(database_in_use\)/);
  const contents = readdirSync(data).filter((name) => name.startsWith('faceforge.sqlite3'))
    .map((name) => readFileSync(join(data, name), 'latin1')).join('');
  assert.ok(!contents.includes('schema_migrations'), 'the tables of whoever has it are theirs to change');
});

test('a database that a newer FaceForge has used is refused, and left as it is', { skip }, async () => {
  const data = join(folder, 'serve-newer');
  const { child, ended } = await serve(data);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const file = join(data, 'faceforge.sqlite3');
  const bytes = readFileSync(file, 'latin1');
  // SQLite writes the cells of a row one after the other: here a module, the number of a step, and the step's name.
  const lastStep = bytes.match(/gallery[\x02-\x08](?=[a-z])/g).sort().at(-1);
  const newer = Buffer.from(bytes.replaceAll(lastStep, 'gallery\x63'), 'latin1');
  writeFileSync(file, newer);
  const { code, stderr } = await run(['serve', '--listen', '127.0.0.1:0', '--data', data, ...pack]);
  assert.equal(code, 3, stderr);
  assert.match(stderr, /version 99 of `gallery`.*\(database_newer\)/);
  assert.ok(readFileSync(file).equals(newer));
});

test('an empty data folder beside a database that names photos is refused, and marks none as lost', { skip }, async () => {
  const database = ['--database', join(folder, 'elsewhere.sqlite3')];
  const right = join(folder, 'serve-right');
  const wrong = join(folder, 'serve-wrong');
  const first = await serve(right, database);
  const json = { 'content-type': 'application/json' };
  const credentials = JSON.stringify({ name: 'ada', password: 'a long enough phrase 7' });
  const entered = await fetch(`${first.address}/api/v1/auth/signup`, { method: 'POST', headers: json, body: credentials });
  const session = {
    cookie: entered.headers.get('set-cookie').split(';')[0],
    'x-csrf-token': (await entered.json()).csrf_token,
  };
  const post = (path, body, headers = json) =>
    fetch(`${first.address}/api/v1/galleries${path}`, { method: 'POST', headers: { ...session, ...headers }, body });
  assert.equal((await post('', JSON.stringify({ name: 'g' }))).status, 201);
  assert.equal((await post('/1/people', JSON.stringify({ name: 'p' }))).status, 201);
  const form = new FormData();
  form.append('photo', new Blob([readFileSync(lfw('Serena_Williams', 1))]), 'p.jpg');
  assert.equal((await (await post('/1/people/1/photos', form, {})).json()).taken_count, 1);
  first.child.kill('SIGTERM');
  assert.equal(await first.ended, 0);

  const refused = await run(['serve', '--listen', '127.0.0.1:0', '--data', wrong, ...database, ...pack]);
  assert.equal(refused.code, 3);
  assert.match(refused.stderr, /the database names 1 photos.*serve-wrong.*--photos-lost.*\(photos_elsewhere\)/);
  const isLost = async (data, extra) => {
    const { child, address, ended } = await serve(data, [...database, ...extra]);
    // The key that sessions are hashed with lies in the data folder too: with another one everyone logs in anew.
    const login = await fetch(`${address}/api/v1/auth/login`, { method: 'POST', headers: json, body: credentials });
    const cookie = login.headers.get('set-cookie').split(';')[0];
    const listed = await fetch(`${address}/api/v1/galleries/1/people/1/photos`, { headers: { cookie } });
    const [listedPhoto] = (await listed.json()).photos;
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
    return listedPhoto.file_missing;
  };
  assert.equal(await isLost(right, []), false);
  assert.equal(await isLost(wrong, ['--photos-lost']), true);
  assert.equal(await isLost(right, []), false);
});

test('with --tls auto a server makes its own certificate, says how to trust it, and keeps it', { skip }, async () => {
  const data = join(folder, 'serve-tls');
  let fingerprint;
  for (const round of ['made', 'kept']) {
    const { child, address, ended, all } = await serve(data, ['--tls', 'auto']);
    assert.match(address, /^https:/);
    const ca = readFileSync(join(data, 'tls/certificate.pem'));
    const { status, headers, peer } = await new Promise((resolve, reject) => {
      get(`${address}/readyz`, { ca, servername: 'localhost' }, (response) => {
        const certificate = response.socket.getPeerCertificate();
        response.resume().on('end', () => resolve({ status: response.statusCode, headers: response.headers, peer: certificate }));
      }).on('error', reject);
    });
    assert.equal(status, 200);
    assert.equal(headers['strict-transport-security'], undefined, 'or no browser lets one go on without trusting it');
    const days = (Date.parse(peer.valid_to) - Date.now()) / 86_400_000;
    assert.ok(days > 396 && days < 398, `${days} days`);
    assert.equal(statSync(join(data, 'tls/key.pem')).mode & 0o777, 0o600);
    const said = all();
    assert.ok(said.includes(peer.fingerprint256), said);
    assert.ok(said.includes('operate.md'), said);
    if (round === 'kept') assert.equal(peer.fingerprint256, fingerprint);
    fingerprint = peer.fingerprint256;
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});

test('files of a certificate that are replaced are served without a restart', { skip }, async () => {
  const data = join(folder, 'serve-tls-given');
  const files = ['chain.pem', 'key.pem'].map((name) => join(folder, `given-${name}`));
  const certify = (name) => {
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90',
      '-subj', `/CN=${name}`, '-out', files[0], '-keyout', files[1]]);
    assert.equal(made.status, 0, `${made.stderr}`);
  };
  const served = (address) => new Promise((resolve, reject) => {
    get(`${address}/readyz`, { rejectUnauthorized: false, agent: false }, (response) => {
      const { subject } = response.socket.getPeerCertificate();
      response.resume().on('end', () => resolve(subject.CN));
    }).on('error', reject);
  });
  certify('before');
  const { child, address, ended } = await serve(data, ['--tls-cert', files[0], '--tls-key', files[1]]);
  assert.equal(await served(address), 'before');
  certify('after');
  const until = Date.now() + 30_000; // it looks every 10 s
  while ((await served(address)) !== 'after') {
    assert.ok(Date.now() < until, 'the new files are not served');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('--tls-cert is another name of --tls-certificate, and goes with no --tls auto', async () => {
  const both = await run(['serve', '--tls', 'auto', '--tls-cert', 'a.pem', '--tls-key', 'b.pem']);
  assert.equal(both.code, 64, both.stderr);
  const missing = await run(['serve', '--tls-cert', '/none.pem', '--data', join(folder, 'serve-tls-2')]);
  assert.equal(missing.code, 64, missing.stderr);
  assert.match(missing.stderr, /tls-key/);
  const other = await run(['serve', '--tls', 'on']);
  assert.equal(other.code, 64, other.stderr);
});

test('a port in use is told', { skip }, async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.on('listening', resolve));
  const { port } = taken.address();
  const { code, stderr } = await run(['serve', '--listen', `127.0.0.1:${port}`, '--data', join(folder, 'serve-3'), ...pack]);
  taken.close();
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`${port}.*\\(port_in_use\\)`));
});

test('a second server keeps off the data folder of the first', { skip }, async () => {
  const data = join(folder, 'serve-4');
  const { child, ended } = await serve(data);
  const second = await run(['serve', '--listen', '127.0.0.1:0', '--data', data, ...pack]);
  assert.equal(second.code, 3);
  assert.match(second.stderr, /data_folder_in_use/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('a data folder that cannot be used is told', { skip }, async () => {
  const notAFolder = join(folder, 'a-file');
  writeFileSync(notAFolder, '');
  const inside = await run(['serve', '--data', join(notAFolder, 'data'), ...pack]);
  assert.ok(inside.code >= 3);
  assert.match(inside.stderr, /^faceforge: /m);
  const aFile = await run(['user', 'list', '--data', notAFolder]);
  assert.equal(aFile.code, 3);
  assert.match(aFile.stderr, /is a file; --data names a folder \(data_folder_is_a_file\)/);
});

test('a data folder that may not be written is told', { skip }, async (t) => {
  // Root may write anywhere, so it becomes nobody, who may not enter the folder of these tests.
  const nobody = 65534;
  const isRoot = process.getuid() === 0;
  const through = isRoot ? ['setpriv', '--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups'] : [];
  const readOnly = mkdtempSync(join(tmpdir(), 'faceforge-read-only-'));
  t.after(() => rmSync(readOnly, { recursive: true }));
  if (isRoot) chownSync(readOnly, nobody, nobody);
  chmodSync(readOnly, 0o500);
  const { code, stderr } = await run(['serve', '--listen', '127.0.0.1:0', '--data', readOnly, ...pack], { through });
  if (/^setpriv: failed to execute/m.test(stderr)) return t.skip('the binary lies where only root may go');
  assert.equal(code, 8, stderr);
  assert.match(stderr, /faceforge-read-only.*Permission denied \(file_not_writable\)/);
});

test('a damaged database is told and left as it is', { skip }, async () => {
  const data = join(folder, 'serve-5');
  mkdirSync(data);
  writeFileSync(join(data, 'faceforge.sqlite3'), 'this is no database, and long enough to be looked at '.repeat(40));
  const { code, stderr } = await run(['serve', '--listen', '127.0.0.1:0', '--data', data, ...pack]);
  assert.equal(code, 7, stderr);
  assert.match(stderr, /database_corrupt/);
});

test('an address that is none is told', async () => {
  for (const listen of ['localhost', '127.0.0.1:99999', '::1:80']) {
    const { code, stderr } = await run(['serve', '--listen', listen, '--data', join(folder, 'serve-6')]);
    assert.equal(code, 3);
    assert.match(stderr, /listen_address/);
  }
});

/** Writes a file until there is no room for more of it. */
function fill(path) {
  const descriptor = openSync(path, 'w');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096));
  } catch (error) {
    assert.equal(error.code, 'ENOSPC');
  } finally {
    closeSync(descriptor);
  }
}

test('a full disk takes no photo and keeps those it has, and takes it once there is room', { skip }, async (t) => {
  const data = join(folder, 'serve-full');
  const photos = join(data, 'photos');
  mkdirSync(photos, { recursive: true });
  // A small disk that nobody but the server sees; others find it by way of the server's root.
  const onSmallDisk = ['unshare', '--mount', 'sh', '-c',
    'disk=$1; shift; mount -t tmpfs -o size=1m none "$disk" || exit 77; exec "$@"', 'sh', photos];
  const started = await serve(data, [], { through: onSmallDisk }).catch((error) => error);
  if (started instanceof Error) {
    if (!/ended with 77|unshare/.test(started.message)) throw started;
    return t.skip('this system lets nobody mount a small disk');
  }
  const { child, address, ended } = started;
  const disk = `/proc/${child.pid}/root${photos}`;
  const files = () => readdirSync(disk, { recursive: true }).filter((path) => /^1\/..\/./.test(path));
  const client = new Client(address);
  assert.equal((await client.ask('POST', '/auth/signup', { name: 'ada', password: 'a long enough phrase 7' })).status, 201);
  assert.equal((await client.ask('POST', '/galleries', { name: 'g' })).status, 201);
  assert.equal((await client.ask('POST', '/galleries/1/people', { name: 'p' })).status, 201);
  const upload = (number) => {
    const form = new FormData();
    form.append('photo', new Blob([readFileSync(lfw('Serena_Williams', number))]), `${number}.jpg`);
    return client.ask('POST', '/galleries/1/people/1/photos', form);
  };
  const listed = async () => (await client.ask('GET', '/galleries/1/people/1/photos')).body.photos;
  assert.equal((await upload(1)).body.taken_count, 1);
  const before = await listed();
  assert.equal(before.length, 1);
  const filesBefore = files();
  assert.equal(filesBefore.length, 1);

  fill(join(disk, '.filler'));
  const refused = await upload(2);
  assert.equal(refused.status, 507);
  assert.equal(refused.body.error.reason, 'disk_full');
  assert.deepEqual(await listed(), before);
  assert.deepEqual(files(), filesBefore, 'nor is a piece of it left');

  rmSync(join(disk, '.filler'));
  const taken = await upload(2);
  assert.equal(taken.status, 200);
  assert.equal(taken.body.taken_count, 1);
  assert.equal((await listed()).length, 2);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});
