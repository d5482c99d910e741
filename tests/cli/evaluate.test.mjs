// evaluate pairs and calibrate: shapes of JSON and mistakes in their input. The figures on all of LFW are run by
// ./test --soak.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { data, file, folder, run, runJson, skip, testData } from './faceforge.mjs';

const pack = ['--pack', 'scrfd500-mbf', '--data', data];
const images = join(testData, 'lfw');

/** The first `count` pairs of each kind of the first two folds of LFW's list. */
function fewPairs(count) {
  const lines = readFileSync(join(testData, 'lfw-pairs.txt'), 'utf8').split('\n');
  const picked = [`2\t${count}`];
  for (const start of [1, 301, 601, 901]) picked.push(...lines.slice(start, start + count));
  return `${picked.join('\n')}\n`;
}

test('pairs gives the whole report', { skip }, async () => {
  const { code, json, stderr } = await runJson(['evaluate', 'pairs', '--images', images, '--pairs', file('pairs.txt', fewPairs(8)), ...pack]);
  assert.equal(code, 0, stderr);
  assert.equal(json.pairs, 32);
  assert.ok(json.accuracy >= 0.9 && json.accuracy <= 1);
  assert.equal(typeof json.accuracy_std, 'number');
  assert.ok(json.auc > 0.95);
  assert.deepEqual(Object.keys(json.tar_at_fmr), ['0.01', '0.001']);
  assert.equal(json.failures_to_detect, 0);
  assert.ok(json.images_per_second > 0);
  assert.match(json.model_id, /^[0-9a-f]{64}$/);
});

test('pairs prints a table without --json', { skip }, async () => {
  const { code, stdout } = await run(['evaluate', 'pairs', '--images', images, '--pairs', file('pairs.txt', fewPairs(2)), ...pack]);
  assert.equal(code, 0);
  assert.match(stdout, /accuracy +\d\.\d{4} \+- \d\.\d{4}\n/);
  assert.match(stdout, /TAR at FMR 0\.001/);
});

test('a mistake in a pairs list is told with its line', { skip }, async () => {
  for (const [contents, expected] of [
    ['2\t1\nZico\t1\t2\nZico\t1\n', /line 3: 2 words/],
    ['hello', /line 1/],
    ['1\t1\n../x\t1\t2\nZico\t1\tAnn\t1\n', /line 2/],
    ['', /line 0/],
  ]) {
    const { code, json } = await runJson(['evaluate', 'pairs', '--images', images, '--pairs', file('bad.txt', contents), ...pack]);
    assert.equal(code, 3);
    assert.equal(json.error.reason, 'pair_list_malformed');
    assert.match(json.error.message, expected);
  }
  const missing = await runJson(['evaluate', 'pairs', '--images', folder, '--pairs', file('pairs.txt', fewPairs(1)), ...pack]);
  assert.equal(missing.code, 4);
  assert.equal(missing.json.error.reason, 'photo_missing');
});

test('one fold has no others to take a threshold from', { skip }, async () => {
  const list = file('one.txt', '1\t1\nZico\t1\t2\nZico\t1\tWoody_Allen\t3\n');
  const { code, json } = await runJson(['evaluate', 'pairs', '--images', images, '--pairs', list, ...pack]);
  assert.equal(code, 3);
  assert.equal(json.error.reason, 'too_few_folds');
});

test('calibrating on too few people is refused', { skip }, async () => {
  const few = await runJson(['evaluate', 'calibrate', '--images', join(testData, 'antispoof'), ...pack]);
  assert.equal(few.code, 4);
  assert.equal(few.json.error.reason, 'no_photos');
});
