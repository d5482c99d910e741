// The frame of bench/run: its arithmetic, its options, and how it runs and ends a part. Nothing
// here measures anything.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { agree, takeTurns } from '../../bench/frame/contestants.mjs';
import { goalOf } from '../../bench/frame/goals.mjs';
import { instructionsOf, upstream } from '../../bench/frame/machine.mjs';
import { parseOptions } from '../../bench/frame/options.mjs';
import { duration, estimate, Progress } from '../../bench/frame/progress.mjs';
import { besideRoofline, checkRows, toJson } from '../../bench/frame/rows.mjs';
import { runPart } from '../../bench/frame/run_part.mjs';
import { latencySummary, median, pairedRatio, quantile } from '../../bench/frame/statistics.mjs';
import { otherFigures, short } from '../../bench/frame/table.mjs';

const folder = mkdtempSync(join(tmpdir(), 'faceforge-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const row = {
  name: 'a network',
  ours_ms: 2,
  rival: 'another',
  rival_ms: 3,
  ratio: 1.5,
  threads: 1,
  batch: 1,
};

test('a median lies in the middle, or between the two in the middle', () => {
  assert.equal(median([5, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.throws(() => median([]), /no numbers/);
});

test('quartiles are those of R and NumPy', () => {
  // numpy.quantile([7, 15, 36, 39, 40, 41], [0.25, 0.75])
  assert.equal(quantile([40, 7, 36, 15, 41, 39], 0.25), 20.25);
  assert.equal(quantile([40, 7, 36, 15, 41, 39], 0.75), 39.75);
});

test('a ratio is that of the rounds, so a round that was slow for both sides changes nothing', () => {
  const { ratio, ratio_low, ratio_high } = pairedRatio([10, 10, 50], [20, 20, 100]);
  assert.deepEqual([ratio, ratio_low, ratio_high], [2, 2, 2]);
  assert.equal(pairedRatio([1, 1, 1], [1, 2, 3]).ratio, 2);
  assert.equal(pairedRatio([1, 1, 1], [1, 2, 3]).ratio_low, 1.5);
  assert.throws(() => pairedRatio([1], [1, 2]), /1 rounds of ours, 2 of theirs/);
});

test('contestants take turns, another one first in each round, each for about as long', async () => {
  const called = [];
  const contestant = (name, run_ms) => ({
    time: async (runs) => (called.push(`${name}${runs}`), run_ms),
  });
  const times = await takeTurns([contestant('a', 10), contestant('b', 40)], {
    rounds: 3,
    slice_ms: 100,
  });
  assert.deepEqual(called, ['a1', 'b1', 'a10', 'b3', 'b3', 'a10', 'a10', 'b3']);
  assert.deepEqual(times, [
    [10, 10, 10],
    [40, 40, 40],
  ]);
});

test('runtimes agree when each output is as large as the other’s', () => {
  assert.ok(agree([0.5, 2], [0.5004, 2.001]));
  assert.ok(!agree([0.5, 2], [0.5, 2.1]));
  assert.ok(!agree([0.5, 2], [0.5]));
  assert.ok(!agree([0.5], [null])); // what is not a number is null in JSON
});

test('a row is a share of the peak of as many cores, on bytes or on floats', () => {
  const roofline = { fp32_gflops: { 1: 100, 2: 200 }, int8_gops: { 1: 400, 2: 800 } };
  const rows = besideRoofline(
    [
      { ...row, ours_ms: 100, precision: 'fp32', giga_operations: 8 },
      { ...row, ours_ms: 25, precision: 'int8', giga_operations: 8, threads: 2 },
      row,
    ],
    roofline,
  );
  assert.deepEqual(
    rows.map(({ gops, peak_share }) => [gops, peak_share]),
    [
      [80, 0.8],
      [320, 0.4],
      [undefined, undefined],
    ],
  );
});

test('a row that lacks a figure is told with its name and the field', () => {
  assert.deepEqual(checkRows([row], 'networks'), [row]);
  assert.throws(
    () => checkRows([row, { ...row, ours_ms: 0 }], 'networks'),
    /networks, row 1 \(a network\): ours_ms is 0/,
  );
  assert.throws(
    () => checkRows([{ ...row, ratio: NaN }], 'search'),
    /search, row 0 \(a network\): ratio is null/,
  );
  assert.throws(() => checkRows([{ ...row, rival: null }], 'search'), /rival is null/);
  assert.throws(() => checkRows([{ name: 'x' }], 'photo'), /ours_ms is undefined/);
  assert.throws(() => checkRows({}, 'photo'), /no list/);
  checkRows([{ ...row, rival: null, rival_ms: null, ratio: null, ours_ms: null }], 'http_load');
});

test('rows are written one object a line', () => {
  const lines = toJson([row, row]).trimEnd().split('\n');
  assert.equal(lines.length, 4);
  assert.deepEqual(JSON.parse(lines[2]), row);
  assert.deepEqual(JSON.parse(toJson([row, row])), [row, row]);
});

test('without bytes the detectors on floats, which are served then, have the goal', () => {
  const row = { name: 'SCRFD-2.5G 640 fp32', precision: 'fp32', rival: 'OpenCV 4.6.0 fp32', ratio: 3.9 };
  assert.deepEqual(goalOf(row, { instructions: 'AVX2, no VNNI' }), { at_least: 4, state: 'missed' });
  assert.equal(goalOf(row, { instructions: 'AVX-512, VNNI' }), undefined);
});

test('a whole photo has its goal on bytes where they are faster, else on floats', () => {
  const photo = (precision) => ({ name: `12-megapixel photo, ${precision}`, rival: 'OpenCV 4.6.0 dnn', ratio: 5.5 });
  assert.equal(goalOf(photo('int8'), { instructions: 'AVX-512, VNNI' }).state, 'met');
  assert.equal(goalOf(photo('fp32'), { instructions: 'AVX-512, VNNI' }), undefined);
  assert.equal(goalOf({ ...photo('fp32'), ratio: 2 }, { instructions: 'AVX2, no VNNI' }).state, 'missed');
});

test('a goal on bytes is missed only where the processor multiplies bytes', () => {
  const network = {
    ...row,
    name: 'IResNet-50 int8',
    precision: 'int8',
    rival: 'ONNX Runtime 1.30.0 fp32',
    ratio: 0.8,
  };
  assert.deepEqual(goalOf(network, { instructions: 'AVX2, no VNNI' }), {
    at_least: 4,
    state: 'needs VNNI',
  });
  assert.deepEqual(goalOf(network, { instructions: 'AVX-512, VNNI' }), {
    at_least: 4,
    state: 'missed',
  });
  assert.equal(goalOf({ ...network, ratio: 4.1 }, { instructions: 'AVX-512, VNNI' }).state, 'met');
  assert.equal(
    goalOf({ ...network, name: 'IResNet-50 fp32', ratio: 1.14 }, { instructions: 'AVX2, no VNNI' })
      .state,
    'missed',
  );
  assert.equal(goalOf(row, { instructions: 'AVX2, no VNNI' }), undefined);
});

test('a server has its goal of throughput', () => {
  const http = { name: 'HTTP identify, 64 keep-alive clients', rival: 'faceforge identify, the pipeline called directly' };
  assert.deepEqual(goalOf({ ...http, ratio: 0.91 }, { instructions: 'AVX2, no VNNI' }), { at_least: 0.9, state: 'met' });
  assert.equal(goalOf({ ...http, ratio: 0.89 }, { instructions: 'AVX-512, VNNI' }).state, 'missed');
});

test('latencies are medians of the rounds, and a round that stalls is still seen', () => {
  const calm = Array.from({ length: 101 }, (_, index) => 10 + index / 10); // p50 15, p99 19.9
  const stalled = calm.map((time, index) => (index > 90 ? 300 : time)); // p50 15, p99 300
  const found = latencySummary([calm, stalled, calm, []], 3);
  const tail = ['p50_ms', 'p99_ms', 'p99_least_ms', 'p99_greatest_ms'].map((field) => found[field].toFixed(1));
  assert.deepEqual(tail, ['15.0', '19.9', '19.9', '300.0']);
  const ratios = ['p99_of_p50', 'p99_of_p50_least', 'p99_of_p50_greatest'].map((field) => found[field].toFixed(2));
  assert.deepEqual(ratios, ['1.33', '1.33', '20.00']);
  assert.deepEqual(found.requests_per_round, [101, 101, 101, 0]);
  assert.equal(found.refused, 3);
  assert.deepEqual(latencySummary([[], []], 9), { requests_per_round: [0, 0], refused: 9 });
});

test('what a row measured beside the time is told in its units', () => {
  assert.equal(otherFigures({ ours_ms: 1, idle_mb: 71.25, refused: 0 }), 'idle 71.3 MB');
  const latencies = { p50_ms: 10, p99_ms: 31, p99_of_p50: 3.125, p99_of_p50_least: 2.5, p99_of_p50_greatest: 4 };
  assert.equal(
    otherFigures({ ...latencies, refused: 2 }),
    'p50 10.0 ms, p99 31.0 ms, p99 3.13 times p50 (2.50 to 4.00 in the rounds), 2 refused',
  );
});

test('the processor’s flags say whether it multiplies bytes', () => {
  assert.equal(instructionsOf(['sse4_1', 'avx2', 'fma']), 'AVX2, no VNNI');
  assert.equal(instructionsOf(['sse4_1', 'avx2', 'avx_vnni']), 'AVX2, VNNI');
  assert.equal(instructionsOf(['avx2', 'avx512f', 'avx512_vnni']), 'AVX-512, VNNI');
  assert.equal(instructionsOf(['sse4_1']), 'SSE4.1, no VNNI');
  assert.equal(upstream('1:4.6.0+dfsg-12'), '4.6.0');
});

test('a mistake in the options is told in a sentence', () => {
  assert.throws(
    () => parseOptions(['--only', 'serch']),
    /--only serch: the parts are networks, photo, search, http_load/,
  );
  assert.throws(
    () => parseOptions(['--json', '/nowhere/at/all.json']),
    /the folder \/nowhere\/at is not there/,
  );
  assert.throws(() => parseOptions(['--fast']), /Unknown option '--fast'/);
  assert.deepEqual(parseOptions(['--only', 'photo,search', '--only', 'networks']).only, [
    'photo',
    'search',
    'networks',
  ]);
  assert.equal(parseOptions([]).only.length, 4);
});

test('the time left counts whole parts, and stands still when one takes longer than expected', () => {
  assert.deepEqual(estimate([60, 30, 30], 1, 15), { share: 75 / 120, left_s: 45 });
  assert.equal(estimate([60, 60], 0, 1000).left_s, 120 - 58.8);
  assert.equal(estimate([60, 60], 2, 0).left_s, 0);
  assert.deepEqual([duration(40), duration(89), duration(200)], ['40 s', '89 s', '3 min']);
});

test('what a part took does not count for the next one', async () => {
  const written = [];
  const progress = new Progress([1, 1], { isTTY: true, write: (text) => written.push(text) });
  progress.begin('networks');
  await sleep(300);
  progress.done();
  progress.end();
  assert.match(written.findLast((text) => text.includes('%')), / 50 % /);
});

test('numbers have three digits', () => {
  assert.deepEqual([0.01234, 0.987, 1.234, 12.34, 123.4, 1234.5].map(short), [
    '0.012',
    '0.987',
    '1.23',
    '12.3',
    '123',
    '1235',
  ]);
  assert.equal(short(NaN), '');
});

/** A program in bash as a part. */
function part(name, body) {
  const file = join(folder, name);
  const jsonFile = `${file}.json`;
  writeFileSync(file, `#!/bin/bash\n${body.replaceAll('JSON', jsonFile)}\n`);
  chmodSync(file, 0o755);
  const lines = [];
  const stop = new AbortController();
  return {
    name,
    command: [file],
    jsonFile,
    limit_s: 30,
    onLine: (line) => lines.push(line),
    stop: stop.signal,
    lines,
    abort: () => stop.abort(new Error('interrupted')),
  };
}

test('a part’s rows are read, its lines are passed on, and a failure leaves the rows', async () => {
  const good = part('good', `echo first; echo '${JSON.stringify([row])}' > JSON`);
  assert.deepEqual(await runPart(good), { rows: [row], complaint: undefined });
  assert.deepEqual(good.lines, ['first']);
  const partly = await runPart(part('partly', `echo '${JSON.stringify([row])}' > JSON; exit 1`));
  assert.equal(partly.rows.length, 1);
  assert.match(partly.complaint, /partly: exit code 1/);
  await assert.rejects(runPart(part('bad', 'exit 2')), /bad: no rows \(exit code 2\)/);
  await assert.rejects(
    runPart({ ...part('none', ''), command: [join(folder, 'not-there')] }),
    /ENOENT/,
  );
});

/** Whether a process runs: one that has ended and is not yet waited for does not. */
function runs(pid) {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, 'utf8'));
}

test('a part that is interrupted or late ends with everything that it started', async () => {
  for (const [name, limit_s, expected] of [
    ['interrupted', 30, /^interrupted$/],
    ['late', 1, /late: ended after 1 s/],
  ]) {
    const running = part(name, 'sleep 60 & echo $!; wait');
    const ended = assert.rejects(runPart({ ...running, limit_s }), (error) =>
      expected.test(error.message),
    );
    while (running.lines.length === 0) await sleep(20);
    if (name === 'interrupted') running.abort();
    await ended;
    assert.ok(!runs(running.lines[0]), `${name}: what it started still runs`);
  }
});
