// packs quantize: the pack that comes out, what is refused before the work begins, and that nothing half made stays.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  fewPhotosEach, file, folder, interrupted, lfw, peopleFolder, png, root, run, runJson, skip, testData,
} from './faceforge.mjs';

const source = join(testData, 'packs', 'scrfd500-mbf');
const options = ['--data', join(folder, 'quantize-data')];
let people;
/** Enough people to calibrate on, and a file that is no photo. */
function somePeople() {
  if (people) return people;
  people = peopleFolder('quantize-people', fewPhotosEach(80));
  file('quantize-people/broken/1.jpg', 'no photo');
  return people;
}
const quantize = (pack, output, { range = somePeople(), calibration = somePeople(), more = [] } = {}) =>
  ['packs', 'quantize', pack, '--output', output, '--range-photos', range, '--calibration-people', calibration,
    ...more, ...options];

/** One whole run for the tests that look at its result. */
const output = join(folder, 'small-int8');
const page = join(folder, 'small-int8.html');
let whole;
const quantized = () => (whole ??= runJson(quantize(source, output, { more: ['--report', page] })));

const cosine = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0) / Math.hypot(...a) / Math.hypot(...b);

test('a pack of floats becomes a pack of bytes, with a model, thresholds and a history of its own', { skip }, async () => {
  const { code, json, stderr } = await quantized();
  assert.equal(code, 2, stderr);
  assert.ok(json.unusable.some((photo) => photo.startsWith('broken/1.jpg: ')), 'what is no photo is named');
  assert.match(stderr, /faceforge: broken\/1\.jpg: /);
  assert.deepEqual(Object.keys(json), ['id', 'model_id', 'folder', 'parent_id', 'parent_model_id', 'range_photos',
    'held_out_photos', 'failures_to_detect', 'mean_cosine', 'impostor_pairs', 'unusable', 'networks']);
  assert.equal(json.id, 'small-int8');
  assert.ok(json.mean_cosine >= 0.99 && json.mean_cosine < 1, `${json.mean_cosine}`);
  assert.ok(json.range_photos >= 16 && json.held_out_photos >= 16);
  assert.deepEqual(json.networks.map(({ kind }) => kind), ['detector', 'embedder']);
  for (const network of json.networks) {
    const best = Math.min(...network.range_methods.map(({ loss }) => loss));
    const chosen = network.range_methods.find(({ range_method: method }) => method === network.range_method);
    assert.equal(chosen.loss, best, 'the method is the one that loses least');
    assert.ok(network.layers.length > 10);
    assert.ok(network.layers.some((layer) => layer.on_bytes));
  }
  const { agreement } = json.networks[0];
  assert.equal(agreement.lost, 0);
  assert.equal(agreement.added, 0);

  const card = JSON.parse(readFileSync(join(output, 'card.json'), 'utf8'));
  const parent = JSON.parse(readFileSync(join(root, 'models', 'scrfd500-mbf', 'card.json'), 'utf8'));
  assert.equal(card.quantization.parent_id, 'scrfd500-mbf');
  assert.equal(card.quantization.parent_model_id, json.parent_model_id);
  assert.deepEqual(card.quantization.parent_accuracy, parent.measured_accuracy);
  assert.equal(card.calibration.model_id, json.model_id);
  assert.notEqual(json.model_id, json.parent_model_id);
  assert.equal(card.measured_accuracy, null, 'nobody measured it');
  assert.equal(card.licence.kind, 'non_commercial', 'bytes do not free weights');
  assert.deepEqual(readdirSync(output).sort(), ['card.json', 'det_500m_int8.onnx', 'w600k_mbf_int8.onnx']);
  const size = (path) => statSync(path).size;
  assert.ok(size(join(output, 'w600k_mbf_int8.onnx')) < size(join(source, 'w600k_mbf.onnx')) / 2);
});

test('it embeds nearly as its parent does, and the two are never compared', { skip }, async () => {
  await quantized();
  const [theirs, ours] = await Promise.all([source, output].map(async (pack) => {
    const { json: [photo] } = await runJson(['embed', lfw('Zico'), '--largest', '--pack', pack, ...options]);
    return photo.faces[0];
  }));
  assert.ok(cosine(theirs.embedding, ours.embedding) > 0.97, 'two detectors, two crops');
  assert.notEqual(theirs.model_id, ours.model_id);
  const model = join(folder, 'parent.ffg');
  const trained = await run(['gallery', 'train', peopleFolder('quantize-gallery', ['Zico']), '-o', model, '--pack', source, ...options]);
  assert.equal(trained.code, 0, trained.stderr);
  const mixed = await runJson(['identify', '--gallery', model, lfw('Zico', 2), '--pack', output, ...options]);
  assert.equal(mixed.json.error.reason, 'model_mismatch');
  const judged = await runJson(['compare', lfw('Zico', 1), lfw('Zico', 2), '--largest', '--pack', output, ...options]);
  assert.equal(judged.json.decision, 'match', 'it has thresholds of its own');
});

test('the page shows every layer and needs nothing from elsewhere', { skip }, async () => {
  const { json } = await quantized();
  const html = readFileSync(page, 'utf8');
  const layers = json.networks.flatMap((network) => network.layers);
  assert.equal(html.match(/<rect /g).length, layers.length);
  assert.doesNotMatch(html, /https?:|src=|href=/);
});

test('what is on bytes already is not quantized again', { skip }, async () => {
  await quantized();
  const again = await runJson(quantize(output, join(folder, 'again')));
  assert.equal(again.code, 3);
  assert.equal(again.json.error.reason, 'already_quantized');
  assert.ok(!existsSync(join(folder, 'again')));
});

test('installed, it is listed with its parent, and a new default is told', { skip }, async () => {
  await quantized();
  const data = ['--data', join(folder, 'quantize-installed')];
  const alone = { env: { FACEFORGE_PACKS: '' } };
  for (const pack of [source, output]) {
    const { code, stderr } = await run(['packs', 'install', pack, '--accept-licence', ...data], alone);
    assert.equal(code, 0, stderr);
    const isDefault = (await runJson(['packs', 'info', 'small-int8', ...data], alone)).json?.default === true;
    assert.equal(/is now used where no pack is named/.test(stderr), isDefault);
  }
  const { json } = await runJson(['packs', 'info', 'small-int8', ...data], alone);
  assert.equal(json.quantization.parent_id, 'scrfd500-mbf');
  assert.equal(json.quantization.may_stand_for_its_parent, true);
  const { json: list } = await runJson(['packs', 'list', ...data], alone);
  const place = (id) => list.findIndex((pack) => pack.id === id);
  assert.equal(Math.abs(place('small-int8') - place('scrfd500-mbf')), 1, 'side by side');
  const told = await run(['packs', 'info', 'small-int8', ...data], alone);
  assert.match(told.stdout, /^ +on bytes +from scrfd500-mbf \(99\.\d\d %\), mean cosine 0\.99\d\d: may stand for it$/m);
  const table = await run(['packs', 'list', ...data], alone);
  assert.match(table.stdout, /small-int8 .*\(99\.\d\d %\)/);
  assert.match(table.stdout, /^\( \) is that of the pack on floats from which it was made\.$/m);
});

test('a pack can be installed with the same on bytes beside it, once', { skip }, async () => {
  const home = join(folder, 'quantize-at-install');
  const packs = join(home, 'packs');
  const alone = { env: { FACEFORGE_PACKS: '', TMPDIR: folder } };
  const photos = somePeople();
  const install = () => run(['packs', 'install', source, '--accept-licence', '--quantize', photos, '--data', home], alone);
  const before = readdirSync(folder);
  const first = await install();
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^scrfd500-mbf-int8 installed in .*: mean cosine 0\.99\d+ to scrfd500-mbf$/m);
  assert.match(first.stderr, /faceforge: broken\/1\.jpg: /, 'what is no photo is named');
  assert.deepEqual(readdirSync(packs).filter((name) => !['.lock', '.staging'].includes(name)).sort(),
    ['scrfd500-mbf', 'scrfd500-mbf-int8']);
  assert.deepEqual(readdirSync(folder).filter((name) => !before.includes(name)), ['quantize-at-install'], 'nothing lies about');
  const place = join(packs, 'scrfd500-mbf-int8', 'card.json');
  const card = JSON.parse(readFileSync(place, 'utf8'));
  const { json: parent } = await runJson(['packs', 'info', 'scrfd500-mbf', '--data', home], alone);
  assert.equal(card.quantization.parent_model_id, parent.model_id);

  const again = await install();
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^scrfd500-mbf-int8 already installed$/m);

  const others = { ...card, quantization: { ...card.quantization, parent_model_id: 'a'.repeat(64) } };
  for (const [contents, why] of [[JSON.stringify(others), /was not made of the pack that is installed now/], ['{', /is damaged/]]) {
    writeFileSync(place, contents);
    const refused = await install();
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /pack_differs/);
    assert.match(refused.stderr, why);
  }
});

test('what cannot be is refused before the work begins, and leaves nothing', { skip }, async () => {
  const two = peopleFolder('quantize-two', fewPhotosEach(2));
  const faceless = join(folder, 'faceless');
  for (const person of ['a', 'b']) {
    mkdirSync(join(faceless, person), { recursive: true });
    writeFileSync(join(faceless, person, '1.png'), png(64, 64));
  }
  const few = peopleFolder('quantize-few', fewPhotosEach(6));
  mkdirSync(join(folder, 'taken'));
  const nowhere = join(folder, 'nowhere');
  const made = join(folder, 'refused');
  const cases = [
    ['no-such-pack', made, {}, 4, 'pack_unknown'],
    [join(testData, 'lfw', 'Zico'), made, {}, 3, 'pack_unrecognized'],
    [source, join(folder, 'taken'), {}, 3, 'folder_exists'],
    [source, join(folder, 'Not An Id'), {}, 3, 'card_invalid'],
    [source, join(folder, 'quantize-data', 'packs', 'inside'), {}, 3, 'output_among_packs'],
    [source, join(testData, 'packs', 'inside'), {}, 3, 'output_among_packs'],
    [source, made, { range: nowhere }, 4, 'folder_not_found'],
    [source, made, { calibration: nowhere }, 4, 'folder_not_found'],
    [source, made, { range: peopleFolder('quantize-one', fewPhotosEach(1)) }, 3, 'too_few_range_people'],
    [source, made, { range: faceless }, 4, 'no_face_in_range_photos'],
    [source, made, { range: few }, 3, 'too_few_range_photos'],
    [source, made, { calibration: two }, 3, 'too_few_impostor_pairs'],
    [source, made, { more: ['--report', folder] }, 3, 'not_a_file'],
    [source, made, { more: ['--exclude-pairs', nowhere] }, 4, 'file_not_found'],
  ];
  const before = readdirSync(folder);
  for (const [pack, place, given, code, reason] of cases) {
    const refused = await runJson(quantize(pack, place, given));
    assert.equal(refused.json.error?.reason, reason, JSON.stringify(refused.json));
    assert.equal(refused.code, code, reason);
  }
  assert.deepEqual(readdirSync(folder), before);
});

test('a quantized network in a pack without a history is recognized as one', { skip }, async () => {
  await quantized();
  const copy = join(folder, 'no-history');
  cpSync(output, copy, { recursive: true });
  const card = JSON.parse(readFileSync(join(copy, 'card.json'), 'utf8'));
  delete card.quantization;
  card.id = 'no-history';
  writeFileSync(join(copy, 'card.json'), JSON.stringify(card));
  const refused = await runJson(quantize(copy, join(folder, 'twice')));
  assert.equal(refused.json.error.reason, 'already_quantized');
  assert.match(refused.json.error.message, /node /, 'told by the network itself');
});

test('Ctrl-C leaves nothing', { skip }, async () => {
  const before = readdirSync(folder);
  const stopped = await run(quantize(source, join(folder, 'stopped')), { through: interrupted });
  assert.equal(stopped.code, 130, stopped.stderr);
  assert.equal(stopped.stdout, '');
  assert.deepEqual(readdirSync(folder), before);
});

test('a disk that is full is told as such, and nothing of the pack stays', { skip }, async (t) => {
  const disk = join(folder, 'small-disk');
  mkdirSync(disk);
  const onSmallDisk = ['unshare', '--mount', 'sh', '-c',
    'disk=$1; shift; mount -t tmpfs -o size=300k none "$disk" || exit 77; "$@"; code=$?; ls -A "$disk"; exit $code', 'sh', disk];
  const { code, stdout, stderr } = await run(quantize(source, join(disk, 'full')), { through: onSmallDisk });
  if (code === 77 || /unshare/.test(stderr)) return t.skip('this system lets nobody mount a small disk');
  assert.equal(code, 6, stderr);
  assert.match(stderr, /disk_full/);
  assert.equal(stdout, '');
});
