// packs list, info, install and remove: what is there, what is refused, and that a refusal changes nothing.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { folder, lfw, root, run, runJson, skip, start, testData } from './faceforge.mjs';

const source = join(testData, 'packs', 'scrfd500-mbf');
let count = 0;

/** A data folder of its own, without packs in place. */
function fresh() {
  const data = join(folder, `packs-data-${++count}`);
  return { data, options: ['--data', data], environment: { env: { FACEFORGE_PACKS: '' } } };
}

/** A copy of a pack with its card, changed by `change(folder, card)`. */
function packCopy(name, change) {
  const copy = join(folder, name);
  cpSync(source, copy, { recursive: true });
  const card = JSON.parse(readFileSync(join(root, 'models', 'scrfd500-mbf', 'card.json'), 'utf8'));
  change(copy, card);
  writeFileSync(join(copy, 'card.json'), JSON.stringify(card));
  return copy;
}

test('the list tells known packs, and which lie on this machine', { skip }, async () => {
  const { options } = fresh();
  const { code, json } = await runJson(['packs', 'list', ...options]);
  assert.equal(code, 0);
  const byId = Object.fromEntries(json.map((pack) => [pack.id, pack]));
  assert.equal(byId['scrfd500-mbf'].state, 'in_place');
  assert.equal(byId['scrfd500-mbf'].licence.kind, 'non_commercial');
  assert.equal(byId['yunet-mbf'].licence.kind, 'permissive');
  assert.equal(byId.buffalo_l.state, 'not_installed');
  assert.equal(byId.faceapi.state, 'not_installed');
  assert.equal(json.filter((pack) => pack.default).length, 1);
  assert.equal(json.find((pack) => pack.default).licence.kind, 'permissive', 'permissive comes first');
  assert.match((await run(['packs', 'list', ...options])).stdout, /buffalo_l +not installed/);
});

test('info tells a pack by id or by folder', { skip }, async () => {
  const { options } = fresh();
  for (const name of ['scrfd500-mbf', source]) {
    const { code, json } = await runJson(['packs', 'info', name, ...options]);
    assert.equal(code, 0);
    assert.equal(json.id, 'scrfd500-mbf');
    assert.equal(json.embedding_length, 512);
    assert.match(json.model_id, /^[0-9a-f]{64}$/);
    assert.ok(json.calibration.points.length >= 10);
    assert.ok(json.measured_accuracy.accuracy > 0.99);
  }
});

test('an unknown pack is told with those it may be', { skip }, async () => {
  const { options } = fresh();
  for (const args of [['packs', 'info', 'bufalo_l', '--json'], ['packs', 'install', 'bufalo_l'], ['detect', lfw('Zico'), '--pack', 'bufalo_l']]) {
    const { code, stderr } = await run([...args, ...options]);
    assert.equal(code, 4, args.join(' '));
    assert.match(stderr, /buffalo_l/);
    assert.match(stderr, /pack_unknown/);
  }
});

test('no pack at all is told with the command that installs one', async () => {
  const { options, environment } = fresh();
  const { code, stderr } = await run(['detect', 'x.jpg', ...options], environment);
  assert.equal(code, 4);
  assert.match(stderr, /faceforge packs install/);
});

test('a folder is installed once its licence is accepted, used, and removed', { skip }, async () => {
  const { data, options, environment } = fresh();
  const refused = await run(['packs', 'install', source, ...options], environment);
  assert.equal(refused.code, 8);
  assert.match(refused.stderr, /non-commercial research/);
  assert.match(refused.stderr, /licence_not_accepted/);
  assert.ok(!existsSync(join(data, 'packs', 'scrfd500-mbf')));

  const installed = await run(['packs', 'install', source, '--accept-licence', ...options], environment);
  assert.equal(installed.code, 0, installed.stderr);
  assert.match(installed.stdout, /^scrfd500-mbf installed in /);
  const again = await run(['packs', 'install', source, '--accept-licence', ...options], environment);
  assert.match(again.stdout, /already installed/);
  const detected = await runJson(['detect', lfw('Zico'), ...options], environment);
  assert.equal(detected.code, 0);

  assert.equal((await run(['packs', 'remove', 'scrfd500-mbf', ...options], environment)).code, 0);
  assert.equal((await run(['packs', 'remove', 'scrfd500-mbf', ...options], environment)).code, 4);
  assert.ok(!existsSync(join(data, 'packs', 'scrfd500-mbf')));
});

test('a damaged pack is refused, and nothing of it stays', { skip }, async () => {
  const cases = [
    [packCopy('wrong-sum', (copy) => {
      const bytes = readFileSync(join(copy, 'det_500m.onnx'));
      bytes[1000] ^= 1;
      writeFileSync(join(copy, 'det_500m.onnx'), bytes);
    }), /pack_file_sha256/],
    [packCopy('no-onnx', (copy, card) => {
      writeFileSync(join(copy, 'det_500m.onnx'), 'no network');
      for (const entry of card.files) delete entry.sha256, delete entry.size_bytes;
      card.id = 'mine';
    }), /card_invalid|model_malformed/],
    [packCopy('bad-card', (_, card) => (card.embedders = 7)), /card_invalid/],
    [packCopy('outside', (_, card) => (card.files[0].path = '../../etc/passwd')), /card_invalid/],
    [join(testData, 'lfw', 'Zico'), /pack_unrecognized/],
  ];
  for (const [path, reason] of cases) {
    const { data, options, environment } = fresh();
    const { code, stderr } = await run(['packs', 'install', path, '--accept-licence', ...options], environment);
    assert.ok(code >= 3, `${path}: ${code}`);
    assert.match(stderr, reason);
    const left = existsSync(join(data, 'packs')) ? readdirSync(join(data, 'packs')).filter((name) => !name.startsWith('.')) : [];
    assert.deepEqual(left, []);
  }
});

test('a disk that is full while a pack is copied is told as such, and nothing of the pack stays', { skip }, async (t) => {
  const { data, options, environment } = fresh();
  const packs = join(data, 'packs');
  mkdirSync(packs, { recursive: true });
  // A small disk that nobody else sees; its last line tells what is left on it.
  const onSmallDisk = ['unshare', '--mount', 'sh', '-c',
    'disk=$1; shift; mount -t tmpfs -o size=1m none "$disk" || exit 77; "$@"; code=$?; ls -A "$disk"; exit $code', 'sh', packs];
  const { code, stdout, stderr } = await run(['packs', 'install', source, '--accept-licence', ...options],
    { ...environment, through: onSmallDisk });
  if (code === 77 || /unshare/.test(stderr)) return t.skip('this system lets nobody mount a small disk');
  assert.equal(code, 6, stderr);
  assert.match(stderr, /No space left on device \(disk_full\)/);
  assert.equal(stdout, '.lock\n');
});

test('a pack that is not calibrated refuses to judge, and says how to calibrate it', { skip }, async () => {
  const { options, environment } = fresh();
  const copy = packCopy('uncalibrated', (_, card) => {
    card.calibration = null;
    card.id = 'uncalibrated';
  });
  const { code, json } = await runJson(['compare', lfw('Zico', 1), lfw('Zico', 2), '--largest', '--pack', copy, ...options], environment);
  assert.equal(code, 3);
  assert.equal(json.error.reason, 'pack_not_calibrated');
  const detected = await runJson(['detect', lfw('Zico', 1), '--pack', copy, ...options], environment);
  assert.equal(detected.code, 0, 'detection needs no threshold');
});

test('a licence of several lines is shown line by line', { skip }, async () => {
  const { options, environment } = fresh();
  const copy = packCopy('long-licence', (_, card) => {
    card.licence.text = 'First line.\nSecond line.';
    card.id = 'long-licence';
  });
  const { code, stderr } = await run(['packs', 'install', copy, ...options], environment);
  assert.equal(code, 8);
  assert.ok(stderr.startsWith('First line.\nSecond line.\n\nLicence of long-licence: '), stderr);
});

test('a damaged pack whose folder has an odd name keeps the JSON whole', async () => {
  const { data, options, environment } = fresh();
  mkdirSync(Buffer.concat([Buffer.from(join(data, 'packs', 'odd-')), Buffer.from([0xff])]), { recursive: true });
  const child = start(['packs', 'list', '--json', ...options], environment);
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  assert.equal(await new Promise((resolve) => child.on('close', resolve)), 0);
  const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  const odd = JSON.parse(text).find((pack) => pack.id === 'odd-\ufffd');
  assert.equal(odd.name, odd.id);
  assert.equal(odd.error.reason, 'card_missing');
});

test('a pack in place cannot be removed', { skip }, async () => {
  const { options } = fresh();
  const { code, stderr } = await run(['packs', 'remove', 'scrfd500-mbf', ...options]);
  assert.ok(code >= 3);
  assert.match(stderr, /pack_in_place|pack_not_installed/);
});
