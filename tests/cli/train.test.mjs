// faceforge train: that the second program is found and started, what it prints, that Ctrl-C and kill -9 lose nothing
// but steps, and that a machine without it is told. The crops are made here, from docs/ffd-format.md.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { seededRandom } from '../support/seeded_random.mjs';
import { binary, file, folder, lfw, run, runJson, skip as noTestData, start } from './faceforge.mjs';

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
  assert.match(made.join(' '), /^\.lock checkpoint\.safetensors events\.out\.tfevents\.\S+ report\.html run\.json$/);
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
  // Started by itself too, as on a machine that only trains.
  const direct = spawn(lab, train('direct', '--steps', '400', '--checkpoint-every', '1'), { stdio: 'ignore' });
  const directEnded = new Promise((resolve) => direct.on('close', resolve));
  while (!existsSync(join(folder, 'direct', 'checkpoint.safetensors'))) await new Promise((done) => setTimeout(done, 20));
  direct.kill('SIGINT');
  assert.equal(await directEnded, 130);
  const resumed = await run(resume('stopped'));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.ok(checkpoint('stopped').numbers.equals(checkpoint('unbroken').numbers));
});

test('kill -9 at twenty random moments: always resumable, at most one interval lost, the same in the end', { skip }, async () => {
  const every = ['--steps', '60', '--checkpoint-every', '2'];
  assert.equal((await run(train('calm', ...every))).code, 0);
  let kills = 0;
  let reached = 0;
  const random = seededRandom(Number(process.env.FACEFORGE_SEED ?? 6));
  for (let moment = 0; moment < 20; ++moment) {
    const args = existsSync(join(folder, 'killed', 'run.json')) ? resume('killed') : train('killed', ...every);
    const events = lastEvents('killed');
    const child = start(args);
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })));
    // A start takes a while, and longer on a machine that is busy.
    while (!existsSync(join(folder, 'killed', 'run.json'))) await new Promise((done) => setTimeout(done, 20));
    setTimeout(() => child.kill('SIGKILL'), random() * 1200);
    const { code, signal } = await ended;
    if (signal === 'SIGKILL') ++kills;
    else assert.equal(code, 0);
    const done = existsSync(join(folder, 'killed', 'checkpoint.safetensors')) ? checkpoint('killed').state.step : 0;
    assert.ok(done >= reached, `${done} steps after ${reached} were kept`);
    const taken = reached + (lastEvents('killed') === events ? 0 : stepsOfLastEvents('killed'));
    assert.ok(done >= taken - 2, `${taken} steps were done, ${done} kept: more than an interval lost`);
    reached = done;
  }
  assert.ok(kills > 5, `${kills} of 20 were early enough`);
  const resumed = await run(resume('killed'));
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(checkpoint('killed').state.step, 60);
  assert.ok(checkpoint('killed').numbers.equals(checkpoint('calm').numbers));
  const litter = readdirSync(join(folder, 'killed')).filter((name) => !/^(\.lock|run\.json|report\.html|checkpoint\.safetensors|events\.)/.test(name));
  rmSync(join(folder, 'killed'), { recursive: true });
  assert.ok(litter.length <= kills, `${litter}`);
});

/** The file of events that was begun last, if any was. */
const lastEvents = (name) => existsSync(join(folder, name)) ? readdirSync(join(folder, name)).filter((file) => file.startsWith('events.')).sort().at(-1) : undefined;

/** How many steps the process that wrote last has told in its events. */
const stepsOfLastEvents = (name) => readFileSync(join(folder, name, lastEvents(name)), 'latin1').split('train/loss').length - 1;

/** The floats of a checkpoint's tensors whose names begin so, one after the other. */
function floats(name, prefix) {
  const { header, numbers } = checkpoint(name);
  return Object.entries(header).filter(([tensor, { dtype }]) => tensor.startsWith(prefix) && dtype === 'F32').sort()
    .flatMap(([, { data_offsets: [begin, end] }]) => [...new Float32Array(numbers.buffer.slice(numbers.byteOffset + begin, numbers.byteOffset + end))]);
}

const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
const isAlive = (pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** How far two lists of numbers are apart, against the length of the first. */
const apart = (one, other) => Math.sqrt(one.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0) / one.reduce((sum, x) => sum + x * x, 0));

test('two processes come to what one comes to', { skip }, async () => {
  // After one step of plain gradients, what the optimizer remembers is the gradient. In floats, through 50 norms of 8 pictures each,
  // it is known to some thousandths: one process with another number of threads differs as much. Half of the pictures' norms, or
  // gradients that are not summed, would make it another one altogether.
  for (const loss of ['triplet', 'arcface']) {
    const settings = ['--optimizer', 'sgd', '--neck', 'batch-norm', '--loss', loss, '--learning-rate', '0.0001', '--steps', '3'];
    const one = await runJson(train(`one-${loss}`, '--held-out', heldOut, ...settings));
    const two = await runJson(train(`two-${loss}`, '--held-out', heldOut, '--world-size', '2', ...settings));
    assert.equal(two.code, 0, two.stderr);
    assert.match(two.json.device, /x 2 processes$/);
    for (const [what, tolerance] of [['optimizer.', 0.05], ['network.', 1e-4], ['objective.', 1e-4]]) {
      const [alone, shared] = [floats(`one-${loss}`, what), floats(`two-${loss}`, what)];
      assert.equal(shared.length, alone.length);
      if (alone.length > 0) assert.ok(apart(alone, shared) < tolerance, `${loss}, ${what} ${apart(alone, shared)}`);
    }
  }
});

test('of two processes, Ctrl-C stops both, and --resume goes on with any number of them', { skip }, async () => {
  const child = start(train('shared', '--steps', '400', '--checkpoint-every', '1', '--world-size', '2'));
  const ended = new Promise((resolve) => child.on('close', resolve));
  while (!existsSync(join(folder, 'shared', 'checkpoint.safetensors'))) await new Promise((done) => setTimeout(done, 20));
  const [other] = childrenOf(child.pid);
  assert.ok(isAlive(other));
  child.kill('SIGINT');
  assert.equal(await ended, 130);
  assert.ok(!isAlive(other));
  const { step } = checkpoint('shared').state;
  assert.ok(step < 400);
  const alone = start(resume('shared'));
  while (checkpoint('shared').state.step <= step) await new Promise((done) => setTimeout(done, 20));
  alone.kill('SIGKILL');
});

test('a process that is lost is told, and one that is killed takes the others with it', { skip }, async () => {
  const begin = async (name) => {
    const child = start(train(name, '--steps', '4000', '--world-size', '2'));
    let told = '';
    child.stderr.on('data', (text) => (told += text));
    const ended = new Promise((resolve) => child.on('close', (code) => resolve({ code, told })));
    while (!existsSync(join(folder, name, 'checkpoint.safetensors'))) await new Promise((done) => setTimeout(done, 20));
    return { child, ended, other: childrenOf(child.pid)[0] };
  };
  const lost = await begin('lost');
  process.kill(lost.other, 'SIGKILL');
  const { code, told } = await lost.ended;
  assert.equal(code, 70);
  assert.match(told, /process 2 was ended by signal 9; --resume goes on \(process_lost\)/);
  const killed = await begin('orphaned');
  killed.child.kill('SIGKILL');
  await killed.ended;
  for (let wait = 0; wait < 100 && isAlive(killed.other); ++wait) await new Promise((done) => setTimeout(done, 20));
  assert.ok(!isAlive(killed.other));
});

/** The processes with this word in their command lines. */
const processesWith = (word) => readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && existsSync(`/proc/${pid}/cmdline`))
  .filter((pid) => { try { return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word); } catch { return false; } });

test('what the first process refuses ends the others at once, on beginning and on going on', { skip }, async () => {
  const whole = ffd(12, 4);
  const own = file('own.ffd', whole);
  const shared = (name) => train(name, '--steps', '2', '--world-size', '2').map((word) => (word === crops ? own : word));
  assert.equal((await run(shared('damaged-later'))).code, 0);
  whole[5000] ^= 1; // a pixel
  file('own.ffd', whole);
  for (const [name, args] of [['damaged', shared('damaged')], ['damaged-later', [...resume('damaged-later'), '--world-size', '2']]]) {
    const begun_ms = Date.now();
    const { json } = await runJson(args);
    assert.equal(json.error?.reason, 'crop_file_damaged');
    assert.ok(Date.now() - begun_ms < 60_000, 'nobody waits at the rendezvous');
    assert.deepEqual(processesWith(join(folder, name)), []);
  }
});

test('on a CPU, bf16 is taken where it is asked for, and a run goes on in floats', { skip }, async () => {
  const first = await runJson(train('bf16', '--steps', '1', '--precision', 'bf16'));
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.json.device, /^cpu, \d+ threads, bf16$/);
  assert.match((await runJson(resume('bf16'))).json.device, /^cpu, \d+ threads$/);
  assert.equal((await run(train('never', '--precision', 'half'))).code, 64);
});

test('a run goes on with the people it began with only', { skip }, async () => {
  const own = file('own.txt', list(0, 8));
  assert.equal((await run(train('lists', '--people', own, '--steps', '2').filter((word, at, words) => word !== people && words[at + 1] !== people))).code, 0);
  file('own.txt', list(1, 9));
  const { json, code } = await runJson(resume('lists'));
  assert.equal(json.error.reason, 'people_changed');
  assert.equal(code, 3);
  file('own.txt', list(0, 8));
  assert.equal((await run(resume('lists'))).code, 0);
});

test('what was measured last is there however the program ended, and a finished run can be resumed', { skip }, async () => {
  assert.equal((await run(train('late', '--held-out', heldOut, '--steps', '3'))).code, 0);
  const path = join(folder, 'late', 'run.json');
  const whole = JSON.parse(readFileSync(path, 'utf8'));
  // As a power cut between the last checkpoint and run.json leaves it.
  writeFileSync(path, JSON.stringify({ ...whole, steps_done: 0, measurements: whole.measurements.slice(0, 1) }));
  rmSync(join(folder, 'late', 'report.html'));
  const { code, json } = await runJson(resume('late'));
  assert.equal(code, 0);
  assert.equal(json.steps_done, 3);
  assert.deepEqual(json.measurements, whole.measurements);
  assert.ok(existsSync(join(folder, 'late', 'report.html')));
});

test('what was trained becomes a pack that embeds, and is a model of its own', { skip: skip || noTestData }, async () => {
  assert.equal((await run(train('exported', '--steps', '4', '--ema', '0.9'))).code, 0);
  const pack = join(folder, 'mine');
  const exporting = ['export', join(folder, 'exported'), '--detector-from', 'scrfd500-mbf', '-o', pack];
  const { code, json, stderr } = await runJson(exporting);
  assert.equal(code, 0, stderr);
  assert.deepEqual([json.id, json.network, json.embedding_length, json.side_px, json.step, json.averaged, json.impostor_pairs],
    ['mine', 'mobilefacenet', 16, side, 4, true, null]);
  const { json: [photo] } = await runJson(['embed', lfw('Zico'), '--largest', '--pack', pack]);
  assert.equal(photo.faces[0].embedding.length, 16);
  assert.equal(photo.faces[0].model_id, json.model_id);
  const again = await runJson(exporting);
  assert.deepEqual([again.code, again.json.error.reason], [3, 'folder_exists']);
  const compared = await runJson(['compare', lfw('Zico'), lfw('Zico', 2), '--pack', pack]);
  assert.equal(compared.json.error.reason, 'pack_not_calibrated');
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
  await refused('people_per_process', 3, train('none', '--world-size', '3'));
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
