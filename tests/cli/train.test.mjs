// faceforge train: that the second program is found and started, what it prints, that Ctrl-C and kill -9 lose nothing
// but steps, and that a machine without it is told. The crops are made here, from docs/ffd-format.md.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { binary, file, folder, run, runJson, start } from './faceforge.mjs';

const lab = join(dirname(binary), 'faceforge-lab');
const skip = existsSync(lab) ? false : 'faceforge-lab was not built: there is no LibTorch';
const side = 32;

const u32 = (number) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(number); return bytes; };
const u64 = (number) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(number)); return bytes; };
const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** A .ffd file of `people` with `photos` each: stripes of a direction and colour of their own. */
function ffd(people, photos) {
  const pixels = Buffer.alloc(people * photos * side * side * 3);
  let at = 0;
  for (let crop = 0; crop < people * photos; ++crop) {
    const person = Math.floor(crop / photos);
    for (let y = 0; y < side; ++y) {
      for (let x = 0; x < side; ++x) {
        const wave = Math.sin((x * ((person % 4) + 1) + y * (person / 2)) * 0.3 + crop);
        for (const share of [0.3 + (person % 3) / 5, 0.6, 0.9 - (person % 3) / 5]) pixels[at++] = 128 + 100 * share * wave;
      }
    }
  }
  const count = people * photos;
  const head = Buffer.concat([Buffer.from('\x89FFD\r\n\x1a\n', 'latin1'), u32(1), u32(side), u32(side), u32(3)], 4096);
  const labels = Buffer.concat(Array.from({ length: count }, (_, crop) => u32(Math.floor(crop / photos))));
  const names = Buffer.concat(Array.from({ length: people }, (_, person) => {
    const name = Buffer.from(`person ${person}`);
    return Buffer.concat([u32(name.length), name]);
  }));
  const labelsAt = 4096 + pixels.length;
  const trailer = Buffer.concat([
    Buffer.concat([u64(count), u64(people), u64(labelsAt), u64(labelsAt + labels.length)], 64), sha256(pixels)]);
  return Buffer.concat([head, pixels, labels, names, trailer, sha256(head, labels, names, trailer)]);
}

const list = (first, end) => Array.from({ length: end - first }, (_, i) => `person ${first + i}\n`).join('');
const crops = file('crops.ffd', ffd(12, 4));
const people = file('train.txt', list(0, 8));
const heldOut = file('test.txt', list(8, 12));
const small = ['--data', crops, '--people', people, '--network', 'mobilefacenet', '--embedding-length', '16',
  '--input-size', String(side), '--people-per-batch', '4', '--photos-per-person', '2', '--device', 'cpu'];
const train = (name, ...more) => ['train', ...small, '-o', join(folder, name), ...more];
const resume = (name) => ['train', '--resume', '-o', join(folder, name)];

/** All numbers of a checkpoint; its header names settings and step. */
function checkpoint(name) {
  const bytes = readFileSync(join(folder, name, 'checkpoint.safetensors'));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  return { header, numbers: bytes.subarray(8 + length), state: JSON.parse(header.__metadata__['faceforge.checkpoint']) };
}

test('a run says what came of it and leaves its four files', { skip }, async () => {
  const { code, json, stderr } = await runJson(train('whole', '--held-out', heldOut, '--steps', '6'));
  assert.equal(code, 0, stderr);
  assert.equal(json.steps_done, 6);
  assert.equal(json.settings.loss.mining, 'semi-hard');
  assert.deepEqual(json.measurements.map(({ step }) => step), [0, 6]);
  assert.ok(json.raw_pixels.auc >= 0 && json.raw_pixels.auc <= 1);
  const made = readdirSync(join(folder, 'whole')).sort();
  assert.match(made.join(' '), /^checkpoint\.safetensors events\.out\.tfevents\.\S+ report\.html run\.json$/);
  assert.deepEqual(JSON.parse(readFileSync(join(folder, 'whole', 'run.json'), 'utf8')), json);
  assert.equal(checkpoint('whole').state.step, 6);
});

test('without --json it prints a table of before and after', { skip }, async () => {
  const { code, stdout } = await run(train('table', '--held-out', heldOut, '--steps', '1', '--loss', 'arcface'));
  assert.equal(code, 0);
  for (const line of [/raw pixels +0\.\d{4}/, /before training +0\.\d{4}/, /after 1 steps +0\.\d{4}/]) assert.match(stdout, line);
});

test('Ctrl-C saves, and --resume gives what the unbroken run gives', { skip }, async () => {
  const whole = await run(train('unbroken', '--steps', '30'));
  assert.equal(whole.code, 0, whole.stderr);
  const child = start(train('stopped', '--steps', '30', '--checkpoint-every', '1'));
  const ended = new Promise((resolve) => child.on('close', resolve));
  while (!existsSync(join(folder, 'stopped', 'checkpoint.safetensors'))) await new Promise((done) => setTimeout(done, 20));
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.ok(checkpoint('stopped').state.step < 30);
  const resumed = await run(resume('stopped'));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.ok(checkpoint('stopped').numbers.equals(checkpoint('unbroken').numbers));
});

test('kill -9 at twenty moments: always resumable, at most one interval lost, the same in the end', { skip }, async () => {
  const every = ['--steps', '60', '--checkpoint-every', '2'];
  assert.equal((await run(train('calm', ...every))).code, 0);
  let kills = 0;
  for (let moment = 0; moment < 20; ++moment) {
    const args = existsSync(join(folder, 'killed', 'run.json')) ? resume('killed') : train('killed', ...every);
    const child = start(args);
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
    setTimeout(() => child.kill('SIGKILL'), 300 + ((moment * 137) % 900));
    const { code, signal } = await ended;
    if (signal === 'SIGKILL') ++kills;
    else assert.equal(code, 0);
  }
  assert.ok(kills > 5, `${kills} of 20 were early enough`);
  const resumed = await run(resume('killed'));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(checkpoint('killed').state.step, 60);
  assert.ok(checkpoint('killed').numbers.equals(checkpoint('calm').numbers));
  const litter = readdirSync(join(folder, 'killed')).filter((name) => !/^(run\.json|report\.html|checkpoint\.safetensors|events\.)/.test(name));
  rmSync(join(folder, 'killed'), { recursive: true });
  assert.ok(litter.length <= kills, `${litter}`);
});

test('mistakes are told before anything is done', { skip }, async () => {
  const refused = async (reason, code, args) => {
    const { json, ...ended } = await runJson(args);
    assert.equal(json.error.reason, reason, ended.stderr);
    assert.equal(ended.code, code);
  };
  const trainWith = (option, value) => train('none').map((word, at, words) => (words[at - 1] === option ? value : word));
  await refused('unknown_word', 3, trainWith('--network', 'resnet51'));
  await refused('option_missing', 3, ['train', '-o', join(folder, 'none')]);
  await refused('setting_out_of_range', 3, trainWith('--input-size', '4'));
  await refused('people_overlap', 3, train('none', '--held-out', people));
  await refused('too_few_people', 3, trainWith('--people-per-batch', '9'));
  await refused('no_run', 4, resume('none'));
  await refused('file_not_found', 4, trainWith('--data', join(folder, 'none.ffd')));
  assert.ok(!existsSync(join(folder, 'none')));
  const both = await run([...resume('whole'), '--steps', '9']);
  assert.equal(both.code, 64);
  assert.match(both.stderr, /--resume/);
});

test('its options are told without LibTorch too, and a machine without it is told what to do', async () => {
  const help = await run(['train', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /--people-per-batch/);
  const alone = join(folder, 'alone');
  mkdirSync(alone);
  copyFileSync(binary, join(alone, 'faceforge'));
  const { code, stderr } = await run(['train', '-o', join(folder, 'x')], {
    through: ['sh', '-c', `shift; exec "${join(alone, 'faceforge')}" "$@"`, 'sh'],
  });
  assert.equal(code, 4);
  assert.match(stderr, /faceforge-lab.*libtorch-dev.*\(lab_not_installed\)/);
});
