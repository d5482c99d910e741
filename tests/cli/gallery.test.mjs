// gallery train and info, identify, verify: from folders of people to names.
import assert from 'node:assert/strict';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { data, file, folder, interrupted, lfw, packCopy, png, run, runJson, skip } from './faceforge.mjs';

const pack = ['--pack', 'scrfd500-mbf', '--data', data];
const people = join(folder, 'people');
const model = join(folder, 'people.ffg');
const emoji = 'Zico "😀" O\'Neill';

function add(person, photo, source) {
  mkdirSync(join(people, person), { recursive: true });
  cpSync(source, join(people, person, photo));
}

let trained;
before(async () => {
  if (skip) return;
  for (const number of [1, 2, 3]) add('Abel Pacheco', `${number}.jpg`, lfw('Abel_Pacheco', number));
  for (const number of [1, 2]) add(emoji, `${number}.jpg`, lfw('Zico', number));
  add('Amber Tamblyn', 'one.jpg', lfw('Amber_Tamblyn', 1));
  add('Amber Tamblyn', 'group.jpg', lfw('Abraham_Foxman'));
  mkdirSync(join(people, 'Nobody'));
  writeFileSync(join(people, 'Nobody', 'grey.png'), png(100, 100));
  trained = await runJson(['gallery', 'train', people, '-o', model, ...pack]);
});

test('training tells which photos were skipped and why, and that not all was done', { skip }, () => {
  assert.equal(trained.code, 2, trained.stderr);
  const reasons = Object.fromEntries(trained.json.skipped.map(({ image, error }) => [image, error.reason]));
  assert.equal(reasons[join('Amber Tamblyn', 'group.jpg')], 'several_faces');
  assert.equal(reasons[join('Nobody', 'grey.png')], 'no_face_found');
  assert.deepEqual(trained.json.people_left_out, ['Nobody']);
  assert.match(trained.stderr, /group\.jpg: .*\(several_faces\)/);
});

test('gallery info tells who is in the model', { skip }, async () => {
  const { code, json } = await runJson(['gallery', 'info', model]);
  assert.equal(code, 0);
  assert.equal(json.person_count, 3);
  assert.equal(json.embedding_length, 512);
  assert.equal(json.pack, 'scrfd500-mbf');
  assert.match(json.model_id, /^[0-9a-f]{64}$/);
  assert.match(json.trained_at, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
  assert.ok(json.people.some(({ person }) => person === emoji));
  const text = await run(['gallery', 'info', model]);
  assert.match(text.stdout, /3 people/);
  assert.match(text.stdout, /Zico "😀" O'Neill/);
});

test('a personal head is not trained where nobody is confused, and refused where there are too few people', { skip }, async () => {
  const few = await runJson(['train', 'head', '--gallery', model]);
  assert.equal(few.code, 3);
  assert.equal(few.json.error.reason, 'head_too_few_people');
  const five = join(folder, 'five');
  for (const person of ['Abel_Pacheco', 'Zico', 'Woody_Allen', 'Vladimir_Putin', 'Serena_Williams']) {
    mkdirSync(join(five, person), { recursive: true });
    for (const number of [1, 2, 3]) cpSync(lfw(person, number), join(five, person, `${number}.jpg`));
  }
  const plain = join(folder, 'five.ffg');
  const { json: made } = await runJson(['gallery', 'train', five, '-o', plain, ...pack]);
  assert.equal(made.person_count, 5);
  const before = readFileSync(plain);
  const { code, json } = await runJson(['train', 'head', '--gallery', plain]);
  assert.equal(code, 1);
  assert.equal(json.kept, false);
  assert.equal(json.output, null);
  assert.equal(json.trial.photo_count, made.photo_count);
  assert.equal(json.trial.with_head, null);
  assert.deepEqual(readFileSync(plain), before);
  const again = await run(['train', 'head', '--gallery', plain, '--photos', five, '-o', join(folder, 'head.ffg'), ...pack]);
  assert.equal(again.code, 1, again.stderr);
  assert.match(again.stdout, new RegExp(`^${made.photo_count} photos of 5 people`), 'the same photos again are no more photos');
  assert.match(again.stdout, /Not kept: 0 confused photos/);
  assert.ok(!existsSync(join(folder, 'head.ffg')));
  assert.equal((await runJson(['gallery', 'info', plain])).json.head, null);

  mkdirSync(join(folder, 'more', 'Zico'), { recursive: true });
  cpSync(lfw('Amber_Tamblyn', 1), join(folder, 'more', 'Zico', 'not him.jpg'));
  const tried = join(folder, 'tried.ffg');
  const measured = await runJson(['train', 'head', '--gallery', plain, '--photos', join(folder, 'more'), '--tried', tried, ...pack]);
  assert.equal(measured.code, 1, measured.stderr);
  assert.equal(measured.json.kept, false);
  assert.equal(measured.json.trial.photo_count, made.photo_count + 1);
  assert.ok(measured.json.trial.with_head.confused_count >= 0, 'one was trained to be measured');
  assert.deepEqual(readFileSync(plain), before);
  const { json: info } = await runJson(['gallery', 'info', tried]);
  assert.match(info.head.model_id, /^[0-9a-f]{64}$/);
  assert.equal(info.head.trial.is_better, false);
  assert.equal(info.photo_count, made.photo_count, 'photos beyond its own are in no template');
  const { json: [{ faces: [face] }] } = await runJson(['identify', '--gallery', tried, lfw('Zico', 3), ...pack]);
  assert.equal(face.candidates[0].person, 'Zico');
});

test('a gallery is decided by the thresholds of its training, and by those of its pack where it has none', { skip }, async () => {
  const stricter = packCopy('stricter', (_, card) => card.calibration.points.forEach((point) => (point.match_threshold += 0.05)));
  const unmeasured = packCopy('unmeasured', (_, card) => Object.assign(card, { id: 'unmeasured', calibration: null }));
  const thresholdOf = async (gallery, ...options) => {
    const { json } = await runJson(['identify', '--gallery', gallery, lfw('Zico', 3), '--data', data, ...options]);
    return json.error?.reason ?? json[0].faces[0].match_threshold;
  };
  const promised = await thresholdOf(model);
  assert.equal(await thresholdOf(model, '--pack', stricter), promised);
  assert.equal(await thresholdOf(model, '--pack', unmeasured), promised);
  const before = join(folder, 'before.ffg');
  await run(['gallery', 'train', join(folder, 'five'), '-o', before, '--pack', unmeasured, '--data', data]);
  assert.equal(await thresholdOf(before, '--pack', unmeasured), 'pack_not_calibrated');
  assert.ok((await thresholdOf(before, '--pack', stricter)) > promised + 0.04);

  const head = ['train', 'head', '--gallery', before, '--data', data, '--pack'];
  assert.equal((await runJson([...head, unmeasured])).json.error.reason, 'head_not_calibrated');
  assert.equal((await runJson([...head, stricter])).code, 1, 'tried by the thresholds of its pack');
});

test('identify names those it knows and nobody else', { skip }, async () => {
  const photos = [lfw('Abel_Pacheco', 4), lfw('Woody_Allen', 3), file('none.png', png(120, 120))];
  const { code, json, stderr } = await runJson(['identify', '--gallery', model, '--top', '2', ...photos, ...pack]);
  assert.equal(code, 0, stderr);
  const [known, stranger, none] = json;
  const face = known.faces.find(({ person }) => person === 'Abel Pacheco');
  assert.equal(face.decision, 'match');
  assert.equal(face.candidates.length, 2);
  assert.equal(face.candidates[0].person, 'Abel Pacheco');
  assert.match(face.candidates[0].reference, /^[123]\.jpg$/);
  assert.ok(face.candidates[0].reference_similarity > 0.2);
  assert.equal(face.similarity, face.candidates[0].similarity);
  for (const name of ['x', 'y', 'width', 'height']) assert.equal(typeof face.box[name], 'number');
  assert.ok(stranger.faces.every(({ decision, person }) => decision === 'unknown' && person === null));
  assert.ok(stranger.faces[0].candidates.length === 2, 'the nearest are shown as such');
  assert.deepEqual(none.faces, []);
});

test('identify: a rarer promise has a higher threshold', { skip }, async () => {
  const at = async (fpir) =>
    (await runJson(['identify', '--gallery', model, '--fpir', fpir, lfw('Zico', 3), ...pack])).json[0].faces[0].match_threshold;
  assert.ok((await at('1e-1')) < (await at('1e-3')));
});

test('identify goes on after a photo that cannot be used', { skip }, async () => {
  const bad = file('bad.jpg', 'no image');
  const { code, json } = await runJson(['identify', '--gallery', model, bad, lfw('Zico', 3), ...pack]);
  assert.equal(code, 2);
  assert.equal(json[0].error.reason, 'not_an_image');
  assert.ok(json[1].faces.length > 0);
});

test('without --pack the pack that trained the model is used', { skip }, async () => {
  const { code, json, stderr } = await runJson(['identify', '--gallery', model, lfw('Zico', 3), '--data', data]);
  assert.equal(code, 0, stderr);
  assert.ok(json[0].faces.length > 0);
});

test('verify: the right person matches, another does not', { skip }, async () => {
  const ask = (person, photo) => runJson(['verify', '--gallery', model, '--person', person, photo, '--largest', ...pack]);
  const right = await ask('Abel Pacheco', lfw('Abel_Pacheco', 4));
  assert.equal(right.code, 0, right.stderr);
  assert.equal(right.json.decision, 'match');
  assert.equal(right.json.person, 'Abel Pacheco');
  assert.ok(right.json.similarity >= right.json.match_threshold);
  assert.match(right.json.model_id, /^[0-9a-f]{64}$/);
  const wrong = await ask(emoji, lfw('Abel_Pacheco', 4));
  assert.equal(wrong.code, 1, wrong.stderr);
  assert.equal(wrong.json.decision, 'no_match');
});

test('verify: an unknown person, several faces or none are errors', { skip }, async () => {
  for (const [person, photo, reason] of [
    ['Nobody Here', lfw('Zico', 1), 'person_not_trained'],
    ['', lfw('Zico', 1), 'name_empty'],
    ['a'.repeat(300), lfw('Zico', 1), 'name_too_long'],
    [emoji, lfw('Abraham_Foxman'), 'several_faces'],
    [emoji, file('plain.png', png(90, 90)), 'no_face_found'],
  ]) {
    const { code, json } = await runJson(['verify', '--gallery', model, '--person', person, photo, ...pack]);
    assert.ok(code >= 2);
    assert.equal(json.error.reason, reason);
  }
});

test('a model of another pack is refused and names both', { skip }, async () => {
  for (const args of [['identify', '--gallery', model, lfw('Zico', 1)], ['verify', '--gallery', model, '--person', emoji, lfw('Zico', 1)]]) {
    const { code, json } = await runJson([...args, '--pack', 'yunet-mbf', '--data', data]);
    assert.equal(code, 3);
    assert.equal(json.error.reason, 'model_mismatch');
    assert.match(json.error.message, /scrfd500-mbf.*yunet-mbf/);
  }
});

test('corrupt and foreign gallery models are refused', { skip }, async () => {
  const whole = readFileSync(model);
  const flipped = Buffer.from(whole);
  flipped[Math.floor(whole.length / 2)] ^= 0x55;
  for (const [name, contents, reason] of [
    ['cut.ffg', whole.subarray(0, whole.length / 2), 'gallery_model_damaged'],
    ['flipped.ffg', flipped, 'gallery_model_damaged'],
    ['text.ffg', 'hello', 'not_a_gallery_model'],
    ['empty.ffg', '', 'not_a_gallery_model'],
  ]) {
    const path = file(name, contents);
    for (const args of [['gallery', 'info', path], ['identify', '--gallery', path, lfw('Zico', 1), ...pack]]) {
      const { code, json } = await runJson(args);
      assert.ok(code >= 3, `${name}: ${code}`);
      assert.equal(json.error.reason, reason, name);
    }
  }
  const missing = await runJson(['gallery', 'info', join(folder, 'no-such.ffg')]);
  assert.equal(missing.code, 4);
  assert.equal(missing.json.error.reason, 'file_not_found');
});

test('an output that is no regular file is refused before any work, and stays', { skip }, async () => {
  const link = join(folder, 'link.ffg');
  symlinkSync('/dev/null', link);
  for (const output of ['/dev/null', link, folder]) {
    for (const args of [['gallery', 'train', people, '-o', output], ['embed', people, '--npy', output]]) {
      const { code, stdout, stderr } = await run([...args, ...pack]);
      assert.equal(code, 3, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^faceforge: .* is no regular file: .* \(not_a_file\)\n$/);
    }
  }
  assert.ok(lstatSync('/dev/null').isCharacterDevice());
});

test('an output that is a link is written where it leads', { skip }, async () => {
  const link = join(folder, 'link-to-model.ffg');
  symlinkSync('linked.ffg', link);
  const { code } = await run(['gallery', 'train', people, '-o', link, ...pack]);
  assert.equal(code, 2);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal((await runJson(['gallery', 'info', join(folder, 'linked.ffg')])).json.person_count, 3);
});

test('Ctrl-C before a result is an error', { skip }, async () => {
  for (const args of [['verify', '--gallery', model, '--person', emoji, lfw('Zico', 1)],
    ['identify', '--gallery', model, lfw('Zico', 1)]]) {
    const { code, json } = await runJson([...args, ...pack], { through: interrupted });
    assert.equal(code, 130);
    assert.equal(json.error.reason, 'cancelled');
  }
});

test('training nothing is an error and leaves no file', { skip }, async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const output = join(folder, 'empty.out.ffg');
  const { code, json } = await runJson(['gallery', 'train', empty, '-o', output, ...pack]);
  assert.equal(code, 3);
  assert.equal(json.error.reason, 'gallery_empty');
  assert.ok(!existsSync(output));
  const missing = await runJson(['gallery', 'train', join(folder, 'nowhere'), '-o', output, ...pack]);
  assert.equal(missing.code, 4);
});

test('a model that cannot be written is an error', { skip }, async () => {
  const { code, json } = await runJson(['gallery', 'train', people, '-o', join(folder, 'no', 'such', 'folder.ffg'), ...pack]);
  assert.equal(code, 4);
  assert.equal(json.error.reason, 'folder_not_found');
});

test('a person named by more than the limit is refused', { skip }, async () => {
  const long = join(folder, 'long');
  mkdirSync(join(long, 'x'.repeat(250)), { recursive: true });
  cpSync(lfw('Zico', 1), join(long, 'x'.repeat(250), '1.jpg'));
  const { code, json } = await runJson(['gallery', 'train', long, '-o', join(folder, 'long.ffg'), ...pack]);
  assert.equal(code, 3);
  assert.equal(json.error.reason, 'name_too_long');
});
