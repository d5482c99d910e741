// The report and the tables of bench/run, from recorded rows.
import assert from 'node:assert/strict';
import test from 'node:test';

import { draw, doublings, ratioSpec, rooflineSpec } from '../../bench/frame/charts.mjs';
import { intoPage } from '../../bench/frame/main.mjs';
import { reportPage } from '../../bench/frame/report.mjs';
import { besideRoofline } from '../../bench/frame/rows.mjs';
import { markdown } from '../../bench/frame/table.mjs';

const roofline = {
  fp32_gflops: { 1: 100, 2: 200 },
  int8_gops: { 1: 150, 2: 300 },
  read_gigabytes_per_second: { 1: 15, 2: 25 },
  fp32_instructions: 'AVX2',
  int8_instructions: 'AVX2, no VNNI',
};
const machine = {
  processor: 'A Processor <3>',
  cores: 2,
  instructions: 'AVX2, no VNNI',
  memory_gib: 24,
  system: 'Debian',
  kernel: '6.1',
  load: 0.04,
  commit: 'abc1234',
  versions: { oneDNN: '2.6.3', 'ONNX Runtime': '1.30.0' },
};
const network = (batch, threads, ours_ms, ratio) => ({
  name: 'IResNet-50 fp32',
  ours_ms,
  rival: 'ONNX Runtime 1.30.0 fp32',
  rival_ms: ours_ms * ratio,
  ratio,
  threads,
  batch,
  ratio_low: ratio - 0.05,
  ratio_high: ratio + 0.05,
  network: 'IResNet-50',
  precision: 'fp32',
  giga_operations: 12.6 * batch,
  part: 'networks',
});
const rows = besideRoofline(
  [
    network(1, 1, 180, 1.25),
    network(1, 2, 90, 1.5),
    network(2, 1, 350, 1.2),
    network(8, 1, 1400, 1.1),
    {
      name: 'approximate top-10, ef 32',
      ours_ms: 0.4,
      rival: 'hnswlib 0.6.2',
      rival_ms: 0.5,
      ratio: 1.25,
      threads: 1,
      batch: 1,
      recall: 0.99,
      rival_recall: 0.98,
      part: 'search',
    },
    {
      name: 'approximate top-10, ef 64',
      ours_ms: 0.7,
      rival: 'hnswlib 0.6.2',
      rival_ms: 0.9,
      ratio: 1.29,
      threads: 1,
      batch: 1,
      recall: 0.995,
      rival_recall: 0.99,
      part: 'search',
    },
    {
      name: 'memory',
      ours_ms: null,
      rival: null,
      rival_ms: null,
      ratio: null,
      threads: 2,
      batch: 1,
      idle_mb: 71.25,
      part: 'http_load',
    },
    ...[0.5, 0.7].map((load) => ({
      name: `identify at ${100 * load} % load`,
      ours_ms: 20,
      rival: null,
      rival_ms: null,
      ratio: null,
      threads: 2,
      batch: 1,
      load,
      p50_ms: 20,
      p99_ms: 50,
      part: 'http_load',
    })),
  ],
  roofline,
);
const run = {
  form: 'quick',
  measured_at: '2026-01-02T03:04:05.000Z',
  seconds: 300,
  machine,
  roofline,
  rows,
  complaints: ['search: exit code 1'],
};

test('the table gives each row with its spread, its share of the peak and its goal', () => {
  const lines = markdown(run).split('\n');
  assert.ok(
    lines.includes(
      '| IResNet-50 fp32 | 1 | 1 | 180 | ONNX Runtime 1.30.0 fp32 | 225 | 1.25 | 1.20 to 1.30 | 70.0 GFLOP/s, 70 % | 1.15: met |',
    ),
    lines.join('\n'),
  );
  assert.ok(
    lines.includes(
      '| IResNet-50 fp32 | 8 | 1 | 1400 | ONNX Runtime 1.30.0 fp32 | 1540 | 1.10 | 1.05 to 1.15 | 72.0 GFLOP/s, 72 % | 1.15: missed |',
    ),
  );
  assert.ok(
    lines.includes(
      '| IResNet-50 fp32 | 1 | 2 | 90.0 | ONNX Runtime 1.30.0 fp32 | 135 | 1.50 | 1.45 to 1.55 | 140 GFLOP/s, 70 % | 1.15: met |',
    ),
  );
  assert.ok(lines.includes('| memory | 2 |  | idle 71.3 MB |'));
  assert.ok(
    lines.includes(
      '| run | quick form, 2026-01-02, commit abc1234, 300 s, load at the start 0.04 |',
    ),
  );
});

test('every table of the Markdown has as many cells in each line as in its head', () => {
  for (const block of markdown(run)
    .split('\n\n')
    .filter((text) => text.startsWith('|'))) {
    const counts = new Set(
      block
        .trim()
        .split('\n')
        .map((line) => line.split('|').length),
    );
    assert.equal(counts.size, 1, block);
  }
});

test('the tables take the place between the page’s marks, and nothing else', () => {
  const page = 'before\n<!-- bench/run writes from here -->\nold\n<!-- to here -->\nafter\n';
  assert.equal(
    intoPage(page, 'new\n'),
    'before\n<!-- bench/run writes from here -->\n\nnew\n\n<!-- to here -->\nafter\n',
  );
  assert.throws(() => intoPage('no marks', 'new'), /lacks its marks/);
});

test('the report needs no script and asks no host', async () => {
  const page = await reportPage(run);
  assert.doesNotMatch(page, /<script|<link|<img|@import|url\((?!#)/i);
  const addresses = [...page.matchAll(/https?:\/\/[^"'\s<]+/g)].map(([address]) => address);
  assert.deepEqual(
    addresses.filter((address) => !address.startsWith('http://www.w3.org/')),
    [],
  );
});

test('the report shows the goals with their slowest row, every plot, every figure and what went wrong', async () => {
  const page = await reportPage(run);
  assert.match(
    page,
    /<td class="missed">✗<\/td><td>IResNet-50 fp32<small>missed, against ONNX Runtime 1.30.0 fp32<\/small><\/td>\s*<td><b>1.10<\/b><\/td><td>1.15<\/td>/,
  );
  for (const title of [
    'Against ONNX Runtime',
    'IResNet-50, 1 thread',
    'Recall against latency',
    'Latency against load',
    'Share of the machine’s peak',
  ]) {
    assert.ok(page.includes(`<b>${title}`), title);
  }
  assert.equal(page.match(/<svg/g).length, 5);
  assert.match(page, /idle 71.3 MB/);
  assert.match(page, /<p class="complaint">search: exit code 1<\/p>/);
  assert.match(page, /A Processor &lt;3&gt;/); // what the machine says is text
});

test('a point of a plot stands where its ratio is', async () => {
  const svg = await draw(
    ratioSpec([
      { ...network(1, 1, 180, 2), goal: 4 },
      { ...network(1, 2, 90, 1), goal: 4 },
    ]),
  );
  // The axis goes from 1/2 to 4 in doublings: 2 is at two thirds of it, 1 at one third.
  const [, span] = svg.match(
    /role-axis-domain[^>]*><line transform="translate\(0,0\)" x2="([\d.]+)"/,
  );
  const places = [
    ...svg.matchAll(
      /: ([\d.]+) times faster"[^>]*aria-roledescription="point" transform="translate\(([\d.]+),/g,
    ),
  ];
  assert.equal(places.length, 2, svg);
  for (const [, ratio, x] of places) {
    const expected = (Math.log2(Number(ratio)) + 1) / 3;
    assert.ok(
      Math.abs(Number(x) / Number(span) - expected) < 0.01,
      `${ratio} stands at ${x} of ${span}`,
    );
  }
});

test('the ticks are doublings around what is shown, with 1 among them', () => {
  assert.deepEqual(doublings(0.7, 3.5), [0.5, 1, 2, 4]);
  assert.ok(doublings(0.01, 1000).length <= 9);
  assert.ok(doublings(0.01, 1000).includes(1));
});

test('a share beyond the peak has its bar and room for its figure, and small ones the whole axis', () => {
  const domainOf = (...shares) =>
    rooflineSpec(shares.map((peak_share) => ({ name: 'a', precision: 'fp32', peak_share }))).layer[0]
      .encoding.x.scale.domain;
  assert.deepEqual(domainOf(0.4, 0.7), [0, 100]);
  // The figure stands behind its bar. Three digits take a quarter of the narrowest plot.
  for (const share of [0.9, 1.25, 1.61, 2.03]) {
    const end = domainOf(0.4, share)[1];
    assert.ok(end >= 1.33 * 100 * share && end <= 1.4 * 100 * share, `${share}: ${end}`);
  }
});
