// doctor: what it finds in an installation that works, in one that is not there and in one that is damaged.
import assert from 'node:assert/strict';
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder, root, run, runJson, skip, testData } from './faceforge.mjs';

const without = { env: { FACEFORGE_PACKS: '' } };
const states = (json) => Object.fromEntries(json.checks.map(({ check, state }) => [check, state]));

test('where nothing is installed it says what to install, and makes nothing', async () => {
  const data = join(folder, 'doctor-none');
  const { code, json } = await runJson(['doctor', '--data', data], without);
  assert.equal(code, 4);
  assert.equal(json.state, 'fault');
  const found = states(json);
  assert.equal(found.data_folder, 'hint');
  assert.equal(found.pack, 'fault');
  const pack = json.checks.find(({ check }) => check === 'pack');
  assert.equal(pack.error.reason, 'no_pack');
  assert.match(pack.message, /packs install/);
  assert.ok(!existsSync(data));
  const { code: same, stdout } = await run(['doctor', '--data', data], without);
  assert.equal(same, 4);
  assert.match(stdout, /^hint +data folder .* is not there yet\n +-> `faceforge serve`/m);
  assert.match(stdout, /^fault +pack /m);
});

test('without a home folder it asks for the data folder, and looks at no other', async () => {
  const { code, json } = await runJson(['doctor'], { env: { HOME: '', XDG_DATA_HOME: '', FACEFORGE_PACKS: '' } });
  assert.equal(code, 3);
  const asked = json.checks.find(({ check }) => check === 'data_folder');
  assert.equal(asked.state, 'fault');
  assert.equal(asked.error.reason, 'data_folder_unknown');
  assert.match(asked.advice, /--data/);
  for (const check of ['free_disk', 'database', 'pack']) assert.equal(states(json)[check], undefined, check);
});

test('a file that is no database is told as such, and keeps its mode', async () => {
  const letter = join(folder, 'letter.odt');
  writeFileSync(letter, 'a letter to a friend '.repeat(100));
  chmodSync(letter, 0o644);
  const { json } = await runJson(['doctor', '--data', join(folder, 'doctor-letter'), '--database', letter], without);
  const database = json.checks.find(({ check }) => check === 'database');
  assert.equal(database.state, 'fault');
  assert.equal(database.error.reason, 'database_corrupt');
  assert.equal(lstatSync(letter).mode & 0o777, 0o644);
});

test('an installation that works is ok, with its model and how long it takes', { skip }, async () => {
  const data = join(folder, 'doctor-well');
  mkdirSync(data, { mode: 0o700 });
  const { code, json } = await runJson(['doctor', '--data', data, '--pack', 'retinaface-mbf']);
  assert.equal(code, 0, JSON.stringify(json));
  const found = states(json);
  for (const check of ['data_folder', 'database', 'pack', 'calibration', 'speed', 'tls']) {
    assert.equal(found[check], 'ok', check);
  }
  assert.equal(found.better_pack, undefined, 'a pack of 512 numbers is in use');
  const pack = json.checks.find(({ check }) => check === 'pack');
  assert.match(pack.model_id, /^[0-9a-f]{64}$/);
  assert.equal(pack.embedding_length, 512);
  const speed = json.checks.find(({ check }) => check === 'speed');
  assert.ok(speed.detect_ms > 0 && speed.embed_ms > 0);
  const processor = json.checks.find(({ check }) => check === 'processor');
  assert.match(processor.instruction_set, /AVX|SSE|vector/);
});

test('a folder that others may enter, a damaged pack and a damaged database are told', { skip }, async () => {
  const data = join(folder, 'doctor-ill');
  mkdirSync(join(data, 'packs'), { recursive: true });
  chmodSync(data, 0o755);
  writeFileSync(join(data, 'faceforge.sqlite3'), 'x'.repeat(10_000));
  const pack = join(data, 'packs', 'scrfd500-mbf');
  cpSync(join(testData, 'packs', 'scrfd500-mbf'), pack, { recursive: true });
  const card = JSON.parse(readFileSync(join(root, 'models', 'scrfd500-mbf', 'card.json'), 'utf8'));
  writeFileSync(join(pack, 'card.json'), JSON.stringify(card));
  writeFileSync(join(pack, card.files[0].path), 'no network');
  const { code, json } = await runJson(['doctor', '--data', data], without);
  assert.equal(code, 7);
  const found = states(json);
  assert.equal(found.data_folder, 'hint');
  assert.equal(found.database, 'fault');
  assert.equal(found.pack, 'fault');
  assert.equal(found.other_pack, 'hint');
});

test('listening for others without TLS is a hint, a certificate that is not there a fault', { skip }, async () => {
  const data = join(folder, 'doctor-open');
  const asked = ['doctor', '--data', data, '--pack', 'scrfd500-mbf', '--listen', '0.0.0.0:8080'];
  const open = await runJson(asked);
  assert.equal(open.code, 0);
  assert.equal(states(open.json).tls, 'hint');
  const missing = join(folder, 'none.pem');
  const closed = await runJson([...asked, '--tls-certificate', missing, '--tls-key', missing]);
  assert.equal(closed.code, 3);
  assert.equal(states(closed.json).tls, 'fault');
  assert.equal((await run([...asked, '--tls-key', missing])).code, 64);
});
