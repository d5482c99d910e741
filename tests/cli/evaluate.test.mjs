// evaluate pairs and calibrate: shapes of JSON and mistakes in their input. The figures on all of LFW are run by
// ./test --soak.
import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  data, fewPhotosEach, file, folder, interrupted, lfw, peopleFolder, photosOf, root, run, runJson, skip, testData,
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
  assert.equal(json.fnmr_at_fmr.length, 6);
  assert.equal(json.fnmr_at_fmr[0].measurable, false, '16 pairs of two people');
  const [low, high] = json.intervals.auc;
  assert.ok(low <= json.auc && json.auc <= high);
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
  json.points.forEach(({ false_match_rate, match_threshold, errors, interval }, index) => {
    assert.ok(errors >= 10 && errors <= false_match_rate * json.impostor_pairs);
    assert.ok(interval[0] < errors / json.impostor_pairs && errors / json.impostor_pairs < interval[1]);
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
  assert.deepEqual(stored.points, json.points.map(({ errors, interval, ...point }) => point));
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

// Of photos that stay few: eleven people with two to four each. No links: `embed` follows none.
const evaluated = join(folder, 'evaluated');
if (!skip) for (const name of names.slice(0, 11)) cpSync(join(testData, 'lfw', name), join(evaluated, name), { recursive: true });
const evaluate = (command, ...more) => ['evaluate', command, '--images', evaluated, ...more, ...pack];

test('folder tells verification, identification and embeddings, and writes Markdown', { skip }, async () => {
  const [person] = names;
  const attributes = file('attributes.csv', `name,half\n${names.slice(0, 11).map((name, i) => `${name},${i % 2}`).join('\n')}\n`);
  const markdown = join(folder, 'evaluated.md');
  const { code, json, stderr } = await runJson(evaluate('folder', '--attributes', attributes, '--markdown', markdown));
  assert.equal(code, 0, stderr);
  const counts = names.slice(0, 11).map((name) => photosOf(name).length);
  const total = counts.reduce((sum, count) => sum + count);
  assert.equal(json.images, total);
  assert.equal(json.verification.genuine_pairs, counts.reduce((sum, count) => sum + (count * (count - 1)) / 2, 0));
  assert.equal(json.verification.genuine_pairs + json.verification.impostor_pairs, (total * (total - 1)) / 2);
  assert.ok(json.verification.auc > 0.99);
  assert.deepEqual(json.verification.fnmr_at_fmr.map((rate) => rate.false_match_rate), [0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6]);
  assert.equal(json.verification.fnmr_at_fmr.at(-1).measurable, false);
  assert.equal(json.embeddings.rank_1_misses.trials, total);
  assert.equal(json.embeddings.map.length, total);
  assert.deepEqual(json.conditions.attributes[0].groups.map(({ group }) => group), ['0', '1']);
  assert.equal(json.identification.enrolled_people, 6);
  assert.match(readFileSync(markdown, 'utf8'), /^# scrfd500-mbf: \d+ photos of 11 people\n/);
  assert.ok(JSON.stringify(json).includes(`${person}/`), 'photos are named');
});

test('a page has its plots and pictures in it and needs nothing from elsewhere', { skip }, async () => {
  const web = join(folder, 'web-of-reports');
  const script = file('web-of-reports/report/plots.js', 'drawAll();');
  const page = join(folder, 'evaluated.html');
  const made = await run(evaluate('folder', '--report', page), { env: { FACEFORGE_WEB: web } });
  assert.equal(made.code, 0, made.stderr);
  const html = readFileSync(page, 'utf8');
  assert.ok(html.includes(readFileSync(script, 'utf8')));
  assert.ok(html.match(/<figure data-plot/g).length >= 5);
  assert.ok(html.match(/src="data:image\/jpeg;base64,/g).length >= 24);
  assert.doesNotMatch(html, /https?:|href=/);
  const without = await runJson(evaluate('folder', '--report', page), { env: { FACEFORGE_WEB: folder } });
  assert.equal(without.code, 4);
  assert.equal(without.json.error.reason, 'plot_script_missing');
});

test('identify measures galleries alone', { skip }, async () => {
  const { code, json, stderr } = await runJson(evaluate('identify', '--seed', '3'));
  assert.equal(code, 0, stderr);
  assert.equal(json.seed, 3);
  assert.equal(json.verification, undefined);
  assert.deepEqual(json.identification.sizes.map(({ people: size }) => size), [6]);
  assert.ok(json.identification.sizes[0].rank_1_misses.rate < 0.2);
  const { stdout } = await run(evaluate('identify'));
  assert.match(stdout, /^\| people \| FNIR at FPIR 0\.1 /m);
});

test('compare meets the same photos with every model, as packs and as embeddings', { skip }, async () => {
  const models = ['scrfd500-mbf', 'scrfd-mbf'];
  const ofPacks = await runJson(['evaluate', 'compare', ...models, '--images', evaluated, '--data', data]);
  assert.equal(ofPacks.code, 0, ofPacks.stderr);
  assert.deepEqual(ofPacks.json.models.map(({ model }) => model).sort(), [...models].sort());
  assert.ok(ofPacks.json.best === null || models.includes(ofPacks.json.best));
  const files = [];
  for (const model of models) {
    files.push(join(folder, `${model}.npy`));
    const embedded = await run(['embed', evaluated, '--npy', files.at(-1), '--largest', '--pack', model, '--data', data]);
    assert.equal(embedded.code, 0, embedded.stderr);
  }
  const ofFiles = await runJson(['evaluate', 'compare', ...files]);
  assert.equal(ofFiles.code, 0, ofFiles.stderr);
  assert.equal(ofFiles.json.genuine_pairs, ofPacks.json.genuine_pairs);
  const across = await runJson(['evaluate', 'compare', ...files.map((path) => `${path},${path}`)]);
  assert.equal(across.json.genuine_pairs, 2 * ofPacks.json.genuine_pairs + ofPacks.json.images);
  const same = await runJson(['evaluate', 'compare', files[0], files[0]]);
  assert.equal(same.json.best, null);
});

test('what cannot be measured is refused before any photo is read', { skip }, async () => {
  const one = peopleFolder('evaluated-one', names.slice(0, 1));
  for (const [args, code, reason] of [
    [evaluate('folder', '--attributes', file('nobody.csv', 'name,a\nNobody At All,1\n')), 3, 'attributes_of_nobody'],
    [evaluate('folder', '--attributes', file('odd.csv', 'name,a\nx\n')), 3, 'attributes_malformed'],
    [evaluate('folder', '--markdown', folder), 3, 'not_a_file'],
    [['evaluate', 'folder', '--images', one, ...pack], 3, 'too_few_pairs'],
    [['evaluate', 'identify', '--images', one, ...pack], 3, 'too_few_people'],
    [['evaluate', 'compare', 'a', 'b', '--data', data], 3, 'images_missing'],
    [['evaluate', 'compare', 'a', 'b.npy', '--data', data], 3, 'models_mixed'],
    [['evaluate', 'compare', 'a.npy', 'b.npy', '--images', one, '--data', data], 3, 'images_unused'],
    [['evaluate', 'compare', 'a', 'b', '--by', 'luck', '--images', evaluated, '--data', data], 3, 'criterion_unknown'],
    [['evaluate', 'compare', 'no-such-pack', 'scrfd-mbf', '--images', evaluated, '--data', data], 4, 'pack_unknown'],
  ]) {
    const refused = await runJson(args);
    assert.equal(refused.json.error?.reason, reason, JSON.stringify(refused.json.error));
    assert.equal(refused.code, code, reason);
  }
});

test('one model is no comparison', { skip }, async () => {
  const { code, stderr } = await run(['evaluate', 'compare', 'scrfd-mbf', '--images', evaluated, '--data', data]);
  assert.equal(code, 64);
  assert.match(stderr, /MODEL/);
});

test('Ctrl-C ends a measurement and leaves nothing', { skip }, async () => {
  const before = readdirSync(folder);
  const stopped = await run(['evaluate', 'folder', '--images', images, '--markdown', join(folder, 'never.md'), ...pack],
    { through: interrupted });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.equal(stopped.stdout, '');
  assert.deepEqual(readdirSync(folder), before);
});
