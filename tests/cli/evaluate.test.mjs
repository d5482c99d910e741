// evaluate pairs and calibrate: shapes of JSON and mistakes in their input. The figures on all of LFW are run by
// ./test --soak.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  data, fewPhotosEach, file, folder, lfw, peopleFolder, photosOf, root, run, runJson, skip, testData,
} from './faceforge.mjs';

const pack = ['--pack', 'scrfd500-mbf', '--data', data];
const images = join(testData, 'lfw');

/** The first `count` pairs of each kind of the first two folds of LFW's list. */
function fewPairs(count) {
  const lines = readFileSync(join(testData, 'lfw-pairs.txt'), 'utf8').split('\n');
  const picked = [`2\t${count}`];
  for (const start of [1, 301, 601, 901]) picked.push(...lines.slice(start, start + count));
  return `${picked.join('\n')}\n`;
}

const names = skip ? [] : fewPhotosEach(80);
const people = peopleFolder('people', names);

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

test('an accuracy that is written stands in the card of the pack that was measured, also where none was named', { skip }, async () => {
  const home = ['--data', join(folder, 'measured')];
  const list = ['--images', images, '--pairs', file('pairs.txt', fewPairs(2))];
  const { code, json, stderr } = await runJson(['evaluate', 'pairs', ...list, '--write-card', 'a-few-pairs', ...home]);
  assert.equal(code, 0, stderr);
  assert.ok(json.card.startsWith(join(folder, 'measured')), json.card);
  const card = JSON.parse(readFileSync(json.card, 'utf8'));
  assert.deepEqual(card.measured_accuracy, { protocol: 'a-few-pairs', accuracy: json.accuracy, accuracy_std: json.accuracy_std });
  const { json: shown } = await runJson(['packs', 'info', card.id, ...home]);
  assert.deepEqual(shown.measured_accuracy, card.measured_accuracy);
  const refused = await runJson(['evaluate', 'pairs', ...list, '--write-card', 'x'.repeat(300), ...home]);
  assert.equal(refused.code, 3);
  assert.match(refused.json.error.message, /measured_accuracy\.protocol/);
  assert.deepEqual(JSON.parse(readFileSync(json.card, 'utf8')), card, 'a card that nobody could read is not written');
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

test('calibrating tells every measured rate, and leaves out whom a pairs list names', { skip }, async () => {
  const [someone, other] = names;
  const list = file('excluded.txt', `1\t1\n${someone}\t1\t2\n${someone}\t1\t${other}\t1\n`);
  const { code, json, stderr } = await runJson(['evaluate', 'calibrate', '--images', people, '--exclude-pairs', list,
    ...pack]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(Object.keys(json), ['model_id', 'people', 'images', 'impostor_pairs', 'points', 'tail',
    'ambiguity_margin', 'own_similarity', 'failures_to_detect', 'unusable', 'look_alikes']);
  const counts = names.slice(2).map((name) => photosOf(name).length);
  const total = counts.reduce((sum, count) => sum + count);
  assert.equal(json.people, counts.length);
  assert.equal(json.images, total);
  assert.equal(json.impostor_pairs, counts.reduce((sum, count) => sum + count * (total - count), 0) / 2);
  assert.equal(json.own_similarity.count, total);
  assert.ok(json.own_similarity.mean > 0.4 && json.own_similarity.mean < 1, `${json.own_similarity.mean}`);
  assert.match(json.model_id, /^[0-9a-f]{64}$/);
  assert.deepEqual([json.failures_to_detect, json.unusable], [[], []]);
  assert.deepEqual(Object.keys(json.tail), ['intercept', 'slope', 'curvature']);
  // About 20 000 pairs: 0.001 is the rarest rate of the table behind which ten errors stand.
  assert.deepEqual(json.points.map((point) => point.false_match_rate), [0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]);
  json.points.forEach(({ false_match_rate, match_threshold, errors }, index) => {
    assert.ok(errors >= 10 && errors <= false_match_rate * json.impostor_pairs);
    if (index > 0) assert.ok(match_threshold > json.points[index - 1].match_threshold);
  });
  assert.equal(json.look_alikes.length, 20);
  for (const { first, second, similarity } of json.look_alikes) {
    for (const photo of [first, second]) assert.ok(names.slice(2).includes(photo.split('/')[0]), photo);
    assert.notEqual(first.split('/')[0], second.split('/')[0]);
    assert.ok(similarity <= json.look_alikes[0].similarity);
  }
});

test('a calibration that is written is what compare decides by', { skip }, async () => {
  const own = ['--pack', 'scrfd500-mbf', '--data', join(folder, 'calibrated')];
  const { code, json, stderr } = await runJson(['evaluate', 'calibrate', '--images', people, '--write-card', ...own]);
  assert.equal(code, 0, stderr);
  assert.ok(json.card.startsWith(join(folder, 'calibrated')), json.card);
  assert.match(stderr, /^written into /m);
  const stored = JSON.parse(readFileSync(json.card, 'utf8')).calibration;
  assert.deepEqual(stored.points, json.points.map(({ errors, ...point }) => point));
  assert.equal(stored.impostor_pair_count, json.impostor_pairs);
  const strangers = [lfw(names[0]), lfw(names[1]), '--largest'];
  for (const { false_match_rate, match_threshold } of json.points) {
    const compared = await runJson(['compare', ...strangers, '--fmr', `${false_match_rate}`, ...own]);
    assert.equal(compared.json.match_threshold, match_threshold);
    assert.equal(compared.json.extrapolated, false);
  }
  const before = await runJson(['compare', ...strangers, '--fmr', '0.01', ...pack]);
  assert.notEqual(before.json.match_threshold, json.points[3].match_threshold, 'elsewhere the card is as it was');
});

test('a photo that cannot be used is told, and the calibration goes into the card that is named', { skip }, async () => {
  const some = peopleFolder('some-damaged', names);
  file('some-damaged/Damaged/notes.jpg', 'this is no image');
  const cards = join(folder, 'cards');
  cpSync(join(root, 'models', 'scrfd500-mbf'), cards, { recursive: true });
  const { code, json, stderr } = await runJson(['evaluate', 'calibrate', '--images', some, '--card-folder', cards,
    ...pack]);
  assert.equal(code, 2, stderr);
  assert.equal(json.unusable.length, 1);
  assert.match(json.unusable[0], /^Damaged\/notes\.jpg: /);
  assert.match(stderr, /^faceforge: Damaged\/notes\.jpg: /m);
  assert.equal(json.people, names.length);
  assert.equal(json.card, join(cards, 'card.json'));
  const { calibration } = JSON.parse(readFileSync(json.card, 'utf8'));
  const thresholds = ({ points }) => points.map((point) => point.match_threshold);
  assert.deepEqual(thresholds(calibration), thresholds(json));
  const { json: untouched } = await runJson(['packs', 'info', 'scrfd500-mbf', '--data', data]);
  assert.notEqual(untouched.calibration.impostor_pairs, json.impostor_pairs);
});

test('a folder without folders of people has no photos to calibrate on', { skip }, async () => {
  const { code, json } = await runJson(['evaluate', 'calibrate', '--images', join(testData, 'antispoof'), ...pack]);
  assert.equal(code, 4);
  assert.equal(json.error.reason, 'no_photos');
});

test('calibrating on too few people is refused, and writes nothing', { skip }, async () => {
  const few = peopleFolder('few', names.slice(0, 3));
  const empty = join(folder, 'never-calibrated');
  const { code, json } = await runJson(['evaluate', 'calibrate', '--images', few, '--write-card',
    '--pack', 'scrfd500-mbf', '--data', empty]);
  assert.equal(code, 3);
  assert.equal(json.error.reason, 'too_few_impostor_pairs');
  assert.match(json.error.message, /^\d+ pairs of photos of different people; at least 10000 are needed$/);
  assert.ok(!existsSync(empty));
});
