// dataset: folders of photos as users prepare them, what is printed and what lies there afterwards.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { data, file, folder, lfw, photosOf, run, runJson, skip, testData } from './faceforge.mjs';

const pack = ['--pack', 'scrfd500-mbf', '--data', data];

/** A folder of people in the test's folder: `{ Ada: ['a.jpg'] }`, each file with its own name as contents. */
function people(name, files) {
  for (const [person, photos] of Object.entries(files)) {
    for (const photo of photos) file(join(name, person, photo), `${person} ${photo}`);
  }
  return join(folder, name);
}

/** Every visible file below a folder. */
const filesIn = (path) => readdirSync(path, { recursive: true, withFileTypes: true })
  .filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
  .filter((name) => !name.startsWith('.faceforge')).sort();

test('rename names photos after their person, and takes it back', async () => {
  const dir = people('rename', { A: ['image10.jpg', 'image.jpg', 'image2.JPG'], B: ['x.png'] });
  const dry = await runJson(['dataset', 'rename', dir, '--dry-run']);
  assert.equal(dry.code, 0, dry.stderr);
  assert.deepEqual(dry.json.renamed[0], { from: 'A/image.jpg', to: 'A/A_1.jpg' });
  assert.equal(dry.json.dry_run, true);
  assert.deepEqual(filesIn(dir), ['A/image.jpg', 'A/image10.jpg', 'A/image2.JPG', 'B/x.png']);

  const { code, stdout, stderr } = await run(['dataset', 'rename', dir]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, 'A/image.jpg -> A/A_1.jpg\nA/image2.JPG -> A/A_2.jpg\nA/image10.jpg -> A/A_3.jpg\n'
    + 'B/x.png -> B/B_1.png\n4 photos of 2 people renamed; 0 named right already\n');
  assert.match(stderr, /to take it back: faceforge dataset rename --undo DIR/);
  assert.deepEqual(filesIn(dir), ['A/A_1.jpg', 'A/A_2.jpg', 'A/A_3.jpg', 'B/B_1.png']);
  assert.equal(readFileSync(join(dir, 'A/A_2.jpg'), 'utf8'), 'A image2.JPG');

  const again = await runJson(['dataset', 'rename', dir]);
  assert.deepEqual([again.json.renamed, again.json.named_right], [[], 4]);
  const undone = await runJson(['dataset', 'rename', dir, '--undo']);
  assert.equal(undone.code, 0, undone.stderr);
  assert.equal(undone.json.renamed.length, 4);
  assert.deepEqual(filesIn(dir), ['A/image.jpg', 'A/image10.jpg', 'A/image2.JPG', 'B/x.png']);
  const nothing = await runJson(['dataset', 'rename', dir, '--undo']);
  assert.deepEqual([nothing.code, nothing.json.error.reason], [4, 'nothing_to_undo']);
});

test('rename takes a prefix, and says what it left alone', async () => {
  const dir = people('prefix', { A: ['x.jpg', 'notes.txt'], B: ['y.jpg', 'z.jpg'] });
  symlinkSync('x.jpg', join(dir, 'A', 'link.jpg'));
  const { code, json, stderr } = await runJson(['dataset', 'rename', dir, '--prefix', 'child']);
  assert.equal(code, 0, stderr);
  assert.deepEqual(filesIn(dir), ['A/child_1.jpg', 'A/link.jpg', 'A/notes.txt', 'B/child_1.jpg', 'B/child_2.jpg']);
  assert.deepEqual(json.left_alone, [
    { file: 'A/link.jpg', reason: 'symbolic_link' }, { file: 'A/notes.txt', reason: 'no_photo' }]);
  assert.match(stderr, /^faceforge: A\/link\.jpg: left alone \(symbolic_link\)$/m);
});

test('mistakes in a rename are told before anything is renamed', async () => {
  const dir = people('mistakes', { A: ['x.jpg'] });
  for (const [args, code, reason] of [
    [[join(folder, 'absent')], 4, 'folder_not_found'],
    [[join(dir, 'A')], 4, 'no_people'],
    [[dir, '--prefix', '../x'], 3, 'prefix_invalid'],
  ]) {
    const refused = await runJson(['dataset', 'rename', ...args]);
    assert.deepEqual([refused.code, refused.json.error.reason], [code, reason]);
  }
  assert.equal((await run(['dataset', 'rename', dir, '--undo', '--prefix', 'x'])).code, 64);
  assert.deepEqual(filesIn(dir), ['A/x.jpg']);
});

test('split writes two lists that share nobody', async () => {
  const dir = people('split', Object.fromEntries([...'ABCDEFGHIJ'].map((person) => [person, ['1.jpg', '2.jpg']])));
  file('split/K/1.jpg', '');
  const lists = join(folder, 'lists');
  const { code, json, stderr } = await runJson(['dataset', 'split', dir, '--train', '0.8', '--seed', '1', '--min-photos', '2',
    '-o', lists]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(json.train, { people: 8, photos: 16, file: join(lists, 'train_people.txt') });
  assert.deepEqual(json.held_out, { people: 2, photos: 4, file: join(lists, 'held_out_people.txt') });
  assert.equal(json.too_few_photos, 1);
  const named = [json.train, json.held_out].flatMap((list) => readFileSync(list.file, 'utf8').trimEnd().split('\n'));
  assert.deepEqual(named.sort(), [...'ABCDEFGHIJ']);
  assert.equal((await runJson(['dataset', 'split', dir, '--train', '1.5', '-o', lists])).json.error.reason,
    'train_share_invalid');
});

test('align, then pack what was aligned: as many crops as there are faces', { skip }, async () => {
  const dir = people('faces', { Nobody: ['x.jpg'] });
  for (const person of ['Zico', 'Woody_Allen']) {
    mkdirSync(join(dir, person));
    for (const number of [1, 2]) copyFileSync(lfw(person, number), join(dir, person, `${number}.jpg`));
  }
  const crops = join(folder, 'crops');
  const aligned = await runJson(['dataset', 'align', dir, '-o', crops, ...pack]);
  assert.equal(aligned.code, 2, aligned.stderr);
  assert.deepEqual([aligned.json.photos, aligned.json.aligned, aligned.json.kept], [5, 4, 0]);
  assert.equal(aligned.json.skipped[0].image, 'Nobody/x.jpg');
  assert.equal(aligned.json.skipped[0].error.reason, 'not_an_image');
  assert.deepEqual(filesIn(crops), ['Woody_Allen/1.png', 'Woody_Allen/2.png', 'Zico/1.png', 'Zico/2.png']);
  const again = await runJson(['dataset', 'align', dir, '-o', crops, ...pack]);
  assert.deepEqual([again.json.aligned, again.json.kept], [0, 4]);
  const other = await runJson(['dataset', 'align', dir, '-o', crops, '--pack', 'yunet-mbf', '--data', data]);
  assert.deepEqual([other.code, other.json.error.reason], [3, 'aligned_otherwise']);

  const [direct, through] = [join(folder, 'direct.ffd'), join(folder, 'through.ffd')];
  const packed = await runJson(['dataset', 'pack', dir, '-o', direct, ...pack]);
  assert.equal(packed.code, 2, packed.stderr);
  assert.deepEqual([packed.json.people, packed.json.crops, packed.json.photos], [2, 4, 5]);
  const repacked = await runJson(['dataset', 'pack', crops, '--aligned', '-o', through]);
  assert.equal(repacked.code, 0, repacked.stderr);
  assert.equal(repacked.json.sha256, packed.json.sha256, 'crops lose nothing on their way through PNG');
  assert.deepEqual(readFileSync(through), readFileSync(direct));

  const split = await runJson(['dataset', 'split', direct, '--train', '0.5', '-o', join(folder, 'two')]);
  assert.deepEqual([split.json.train.photos, split.json.held_out.photos], [2, 2]);
  const part = join(folder, 'part.ffd');
  const some = await runJson(['dataset', 'pack', crops, '--aligned', '-o', part, '--people', split.json.train.file]);
  assert.deepEqual([some.json.people, some.json.crops], [1, 2]);
  const dry = await runJson(['dataset', 'pack', crops, '--aligned', '--dry-run', '-o', join(folder, 'dry.ffd')]);
  assert.equal(dry.json.crops, 4);
  assert.ok(!existsSync(join(folder, 'dry.ffd')));
});

test('a photo that is no square is no crop', { skip }, async () => {
  const dir = people('no-crops', {});
  mkdirSync(join(dir, 'Area'), { recursive: true });
  copyFileSync('tests/photos/area_40x33.png', join(dir, 'Area', '1.png'));
  const { code, json } = await runJson(['dataset', 'pack', dir, '--aligned', '-o', join(folder, 'none.ffd')]);
  assert.deepEqual([code, json.error.reason], [3, 'nothing_to_pack']);
});

/** People of LFW as copies, so that photos can be moved: `{ Zico: 3 }` is how many photos of whom. */
function copied(name, counts) {
  const dir = join(folder, name);
  for (const [person, count] of Object.entries(counts)) {
    mkdirSync(join(dir, person), { recursive: true });
    for (const photo of photosOf(person).slice(0, count)) {
      copyFileSync(join(testData, 'lfw', person, photo), join(dir, person, photo));
    }
  }
  return dir;
}

test('dedupe finds copies, and moves those of one person only', { skip }, async () => {
  const dir = copied('copies', { Zico: 3, Woody_Allen: 3 });
  const [first] = photosOf('Zico');
  copyFileSync(join(dir, 'Zico', first), join(dir, 'Zico', 'again.jpg'));
  copyFileSync(join(dir, 'Zico', photosOf('Zico')[1]), join(dir, 'Woody_Allen', 'zico.jpg'));
  const page = join(folder, 'copies.html');
  const told = await runJson(['dataset', 'dedupe', dir, '--report', page, ...pack]);
  assert.equal(told.code, 0, told.stderr);
  assert.deepEqual(told.json.duplicates.map(({ keep, across_people, others }) => [keep, across_people, others.length]), [
    ['Woody_Allen/zico.jpg', true, 1], [`Zico/${first}`, false, 1]]);
  assert.match(readFileSync(page, 'utf8'), /under more than one name/);
  const aside = join(folder, 'aside');
  const moved = await runJson(['dataset', 'dedupe', dir, '--move-to', aside, ...pack]);
  assert.deepEqual(moved.json.moved, ['Zico/again.jpg']);
  assert.deepEqual(filesIn(aside), ['Zico/again.jpg']);
  assert.ok(existsSync(join(dir, 'Woody_Allen', 'zico.jpg')));
  const among = await runJson(['dataset', 'dedupe', dir, '--move-to', join(dir, 'aside'), ...pack]);
  assert.deepEqual([among.code, among.json.error.reason], [3, 'output_among_photos']);
});

test('clean finds the photo of somebody else, and says who it is', { skip }, async () => {
  const dir = copied('doubts', { Zico: 3, Woody_Allen: 5 });
  copyFileSync(lfw('Woody_Allen', 1), join(dir, 'Zico', 'wrong.jpg'));
  const page = join(folder, 'doubts.html');
  const { code, json, stderr } = await runJson(['dataset', 'clean', dir, '--report', page, ...pack]);
  assert.equal(code, 0, stderr);
  assert.equal(json.suspects.length, 1, JSON.stringify(json.suspects));
  const [suspect] = json.suspects;
  assert.deepEqual([suspect.image, suspect.doubt, suspect.other_person], ['Zico/wrong.jpg', 'mislabelled', 'Woody_Allen']);
  assert.ok(suspect.own_similarity < json.agreement_similarity && suspect.other_similarity > json.other_person_similarity);
  assert.equal([...readFileSync(page, 'utf8').matchAll(/data:image\/jpeg/g)].length, 4);
  const dry = await runJson(['dataset', 'clean', dir, '--move-to', join(folder, 'doubtful'), '--dry-run', ...pack]);
  assert.deepEqual(dry.json.moved, []);
  const moved = await runJson(['dataset', 'clean', dir, '--move-to', join(folder, 'doubtful'), ...pack]);
  assert.deepEqual(moved.json.moved, ['Zico/wrong.jpg']);
  assert.ok(!existsSync(join(dir, 'Zico', 'wrong.jpg')));
});

test('stats counts, and writes a page and a contact sheet', { skip }, async () => {
  const dir = copied('stats', { Zico: 3, Woody_Allen: 2 });
  file('stats/Zico/broken.jpg', 'no image');
  const output = join(folder, 'report');
  const { code, json, stderr } = await runJson(['dataset', 'stats', dir, '-o', output, ...pack]);
  assert.equal(code, 2, stderr);
  assert.deepEqual([json.people, json.photos, json.pairs_of_one_person, json.faceless], [2, 5, 4, 0]);
  assert.deepEqual(json.photos_a_person.bins.slice(0, 3).map((bin) => bin.count), [0, 1, 1]);
  assert.equal(json.skipped[0].image, 'Zico/broken.jpg');
  assert.deepEqual(filesIn(output), ['contact_sheet.png', 'stats.html']);
  assert.equal([...readFileSync(join(output, 'stats.html'), 'utf8').matchAll(/data:image\/jpeg/g)].length, 2);
  const { stdout } = await run(['dataset', 'stats', dir, ...pack]);
  assert.match(stdout, /2 people, 5 photos, 4 pairs of one person; 0 photos without a face/);
});

test('fetch-lfw unpacks an archive of people', async () => {
  const made = people('made', { Ada: ['1.jpg', '2.jpg'], Bob: ['1.jpg'] });
  const archive = join(folder, 'people.tgz');
  assert.equal(spawnSync('tar', ['-C', folder, '-czf', archive, 'made']).status, 0);
  const output = join(folder, 'fetched');
  const { code, json, stderr } = await runJson(['dataset', 'fetch-lfw', '--from', archive, '-o', `${output}/`]);
  assert.equal(code, 0, stderr);
  assert.deepEqual([json.people, json.photos, json.known_as], [2, 3, null]);
  assert.equal(json.sha256, createHash('sha256').update(readFileSync(archive)).digest('hex'));
  assert.deepEqual(filesIn(output), filesIn(made));
  const again = await runJson(['dataset', 'fetch-lfw', '--from', archive, '-o', output]);
  assert.deepEqual([again.code, again.json.error.reason], [3, 'folder_exists']);
  const inside = await runJson(['dataset', 'fetch-lfw', '--from', 'http://127.0.0.1:9/lfw.tgz', '-o', join(folder, 'no')]);
  assert.deepEqual([inside.code, inside.json.error.reason], [8, 'address_not_allowed']);
});
