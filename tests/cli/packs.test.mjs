// packs list, info, install, combine and remove: what is there, what is refused, and that a refusal changes nothing.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import {
  fewPhotosEach, folder, lfw, packCopy, peopleFolder, root, run, runJson, skip, start, testData, zip,
} from './faceforge.mjs';

const source = join(testData, 'packs', 'scrfd500-mbf');
let count = 0;

/** A data folder of its own, without packs in place. */
function fresh() {
  const data = join(folder, `packs-data-${++count}`);
  return { data, options: ['--data', data], environment: { env: { FACEFORGE_PACKS: '' } } };
}

/** A folder of people with enough photos to calibrate a pack. */
let people;
function somePeople() {
  people ??= peopleFolder('people', fewPhotosEach(80));
  return people;
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

test('a pack without thresholds is measured at once where photos of people are named', { skip }, async () => {
  const { options, environment } = fresh();
  const unmeasured = packCopy('unmeasured', (_, card) => {
    card.id = 'mine';
    card.calibration = null;
    card.measured_accuracy = null;
  });
  const install = ['packs', 'install', unmeasured, '--accept-licence', '--measure'];
  const { code, stdout, stderr } = await run([...install, somePeople(), ...options], environment);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /mine measured with \d{5,} pairs of strangers/);
  const { json } = await runJson(['packs', 'info', 'mine', '--json', ...options], environment);
  assert.ok(json.calibration.impostor_pairs >= 10_000);

  const tooFew = peopleFolder('too-few', fewPhotosEach(1));
  const other = fresh();
  const refused = await run([...install, tooFew, ...other.options], other.environment);
  assert.ok(refused.code >= 3);
  assert.match(refused.stderr, /too_few_impostor_pairs/);
  const { json: left } = await runJson(['packs', 'info', 'mine', '--json', ...other.options], other.environment);
  assert.equal(left.calibration, null, 'installed, and it promises nothing');
});

test('two packs are combined into one, whose embeddings are those of both, one after the other', { skip }, async () => {
  const { options } = fresh();
  const both = join(folder, 'both');
  const args = ['packs', 'combine', 'scrfd500-mbf', 'yunet-mbf', '--output', both, '--range-photos'];
  const { code, json, stderr } = await runJson([...args, somePeople(), ...options]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(Object.keys(json), ['id', 'model_id', 'metric', 'embedding_length', 'images', 'impostor_pairs',
    'genuine_pairs', 'failures_to_detect', 'unusable', 'embedders']);
  assert.equal(json.id, 'both');
  assert.ok(json.impostor_pairs >= 10_000);
  assert.equal(json.embedders.length, 2);
  for (const embedder of json.embedders) {
    assert.ok(embedder.weight > 0);
    assert.ok(embedder.genuine_mean < embedder.impostor_mean - 3 * embedder.impostor_standard_deviation);
  }

  const lengths = [];
  for (const pack of ['scrfd500-mbf', 'yunet-mbf', both]) {
    const { json: [photo] } = await runJson(['embed', lfw('Zico'), '--pack', pack, ...options]);
    lengths.push(photo.faces[0].embedding.length);
    if (pack === both) assert.equal(photo.faces[0].model_id, json.model_id);
  }
  assert.equal(lengths[2], lengths[0] + lengths[1]);
  assert.equal(json.embedding_length, lengths[2]);

  const refused = await runJson([...args, peopleFolder('two-people', fewPhotosEach(2)), ...options]);
  assert.equal(refused.code, 3);
  assert.equal(refused.json.error.reason, 'too_few_impostor_pairs');
});

test('a download that breaks off half way goes on from there, and every byte is right', { skip }, async () => {
  const { data, options, environment } = fresh();
  const copy = packCopy('from-afar', (_, card) => (card.id = 'from-afar'));
  const files = readdirSync(copy);
  const whole = zip(files.map((name) => [`from-afar/${name}`, readFileSync(join(copy, name))]));
  const half = Math.floor(whole.length / 2);
  const asked = [];
  const server = createServer((request, response) => {
    const { range, 'if-range': ifRange } = request.headers;
    asked.push({ range, ifRange });
    if (range === undefined) {
      response.writeHead(200, { etag: '"one"', 'content-length': whole.length, 'accept-ranges': 'bytes' });
      response.write(whole.subarray(0, half), () => response.socket.destroySoon());
      return;
    }
    const begin = Number(range.match(/^bytes=(\d+)-$/)[1]);
    const described = `bytes ${begin}-${whole.length - 1}/${whole.length}`;
    response.writeHead(206, { etag: '"one"', 'content-length': whole.length - begin, 'content-range': described });
    response.end(whole.subarray(begin));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}/pack.zip`;
  const { code, stdout, stderr } = await run(['packs', 'install', url, '--accept-licence', ...options], environment);
  server.close();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^from-afar installed in /);
  assert.deepEqual(asked, [{ range: undefined, ifRange: undefined }, { range: `bytes=${half}-`, ifRange: '"one"' }]);
  const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
  const card = JSON.parse(readFileSync(join(root, 'models', 'scrfd500-mbf', 'card.json'), 'utf8'));
  assert.equal(card.files.length, 2);
  for (const entry of card.files) assert.equal(sha256(join(data, 'packs', 'from-afar', entry.path)), entry.sha256);
  assert.deepEqual(readdirSync(join(data, 'packs', '.downloads')), [], 'what was downloaded is no longer needed');
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
    }), /model_malformed/],
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
