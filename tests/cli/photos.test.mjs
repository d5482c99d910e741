// detect, embed and compare: shapes of JSON, exit codes, photos that cannot be used, Ctrl-C.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { badPhotos, binary, data, file, folder, interrupted, lfw, png, run, runJson, skip, start, testData } from './faceforge.mjs';

const pack = ['--pack', 'scrfd500-mbf', '--data', data];
const onePerson = lfw('Zico', 1);
const twoFaces = lfw('Abraham_Foxman');

function checkBox(box, width, height) {
  assert.deepEqual(Object.keys(box), ['x', 'y', 'width', 'height']);
  assert.ok(box.width > 16 && box.height > 16);
  assert.ok(box.x + box.width / 2 > 0 && box.x + box.width / 2 < width);
  assert.ok(box.y + box.height / 2 > 0 && box.y + box.height / 2 < height);
}

function checkFace(face, photo) {
  checkBox(face.box, photo.width_px, photo.height_px);
  assert.ok(face.detection_score >= 0.5 && face.detection_score <= 1);
  assert.equal(face.landmarks.length, 5);
  const [leftEye, rightEye, , leftMouth] = face.landmarks;
  assert.ok(leftEye[0] < rightEye[0] && leftEye[1] < leftMouth[1]);
  for (const name of ['face_size_px', 'sharpness', 'brightness', 'yaw_deg', 'pitch_deg', 'roll_deg']) {
    assert.equal(typeof face.quality[name], 'number', name);
  }
}

test('detect tells every face of every photo, largest first', { skip }, async () => {
  const { code, json, stderr } = await runJson(['detect', onePerson, twoFaces, ...pack]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(json.map((photo) => photo.image), [onePerson, twoFaces]);
  for (const photo of json) {
    assert.equal(photo.width_px, 250);
    assert.equal(photo.height_px, 250);
    photo.faces.forEach((face) => checkFace(face, photo));
  }
  assert.ok(json[1].faces.length >= 2);
  const areas = json[1].faces.map(({ box }) => box.width * box.height);
  assert.deepEqual(areas, [...areas].sort((a, b) => b - a));
});

test('a photo without a face is done, with an empty list', { skip }, async () => {
  const grey = file('grey.png', png(200, 200));
  const { code, json } = await runJson(['detect', grey, ...pack]);
  assert.equal(code, 0);
  assert.deepEqual(json, [{ image: grey, width_px: 200, height_px: 200, faces: [] }]);
});

test('photos that cannot be used are told one by one, and the others go on', { skip }, async () => {
  const bad = badPhotos();
  const { code, json, stderr } = await runJson(['detect', ...bad.map(([path]) => path), onePerson, ...pack]);
  assert.equal(code, 2, stderr);
  bad.forEach(([path, reason], index) => {
    assert.equal(json[index].image, path);
    assert.equal(json[index].error.reason, reason);
    assert.equal(typeof json[index].error.code, 'string');
    assert.equal(json[index].faces, undefined);
    assert.ok(stderr.includes(reason));
  });
  assert.equal(json.at(-1).faces.length >= 1, true);
});

test('when no photo can be used nothing was done', { skip }, async () => {
  for (const command of ['detect', 'embed']) {
    const { code, json } = await runJson([command, ...badPhotos().map(([path]) => path), ...pack]);
    assert.ok(code >= 3, `${code}`);
    assert.equal(json.length, badPhotos().length);
    assert.ok(json.every(({ error }) => error));
  }
});

test('text goes to standard output without a progress bar or colours when it is no terminal', { skip }, async () => {
  const { code, stdout, stderr } = await run(['detect', onePerson, twoFaces, ...pack]);
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.ok(!stdout.includes('\x1b'));
  assert.match(stdout, /Zico_0001\.jpg {2}250x250 {2}1 face\n {2}face +x +y/);
});

test('detect --draw writes a picture a photo, photos of one name from two folders side by side', { skip }, async () => {
  const other = file('other/Zico_0001.jpg', readFileSync(twoFaces));
  const drawn = join(folder, 'new', 'drawn');
  const { code, stderr } = await run(['detect', onePerson, other, '--draw', drawn, ...pack]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(drawn).sort(), ['Zico_0001.2.faces.jpg', 'Zico_0001.faces.jpg']);
  const again = await runJson(['detect', drawn, ...pack]);
  assert.ok(again.json.every((photo) => photo.width_px === 250));
  assert.notDeepEqual(readFileSync(join(drawn, 'Zico_0001.faces.jpg')), readFileSync(onePerson));
});

test('detect --draw keeps apart what the names of photos could mix up', { skip }, async () => {
  const photos = ['a/x.jpg', 'b/x.jpg', 'c/x.2.jpg'].map((name) => file(`alike/${name}`, readFileSync(onePerson)));
  const drawn = join(folder, 'drawn-alike');
  const { code, stderr } = await run(['detect', ...photos, '--draw', drawn, ...pack]);
  assert.equal(code, 0, stderr);
  assert.equal(readdirSync(drawn).length, 3);
});

test('a drawing folder that cannot be made is told before any work', { skip }, async () => {
  const { code, stdout, stderr } = await run(['detect', onePerson, '--draw', join(onePerson, 'inside'), ...pack]);
  assert.ok(code >= 3);
  assert.equal(stdout, '');
  assert.match(stderr, /faceforge: .*Zico_0001/);
});

test('an image name that is no UTF-8 or holds an escape keeps the output whole', { skip }, async () => {
  const links = join(folder, 'links');
  mkdirSync(links);
  const odd = Buffer.concat([Buffer.from(`${links}/`), Buffer.from([0xff, 0x1b, 0x5b]), Buffer.from('2J.jpg')]);
  symlinkSync(onePerson, odd);
  const { code, json } = await runJson(['detect', links, ...pack]);
  assert.equal(code, 0);
  assert.equal(json[0].image, `${links}/\ufffd\x1b[2J.jpg`);
  const { stdout } = await run(['detect', links, ...pack]);
  assert.ok(!stdout.includes('\x1b'));
});

test('embed gives embeddings of unit length with their model', { skip }, async () => {
  const { code, json } = await runJson(['embed', onePerson, twoFaces, ...pack]);
  assert.equal(code, 0);
  for (const face of json.flatMap((photo) => photo.faces)) {
    checkFace(face, json[0]);
    assert.equal(face.embedding.length, 512);
    assert.match(face.model_id, /^[0-9a-f]{64}$/);
    const length = Math.hypot(...face.embedding);
    assert.ok(Math.abs(length - 1) < 1e-4, `${length}`);
  }
});

test('embed --largest keeps one face a photo, also of folders', { skip }, async () => {
  const { code, json } = await runJson(['embed', join(testData, 'lfw', 'Abraham_Foxman'), '--largest', ...pack]);
  assert.equal(code, 0);
  assert.ok(json.length >= 1);
  assert.ok(json.every((photo) => photo.faces.length === 1));
});

test('embed --npy writes a matrix, and what each of its rows is', { skip }, async () => {
  const npy = join(folder, 'faces.npy');
  const { code, stdout, stderr } = await run(['embed', onePerson, twoFaces, '--npy', npy, ...pack]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  const index = JSON.parse(readFileSync(`${npy}.json`, 'utf8'));
  const bytes = readFileSync(npy);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + headerLength).toString();
  assert.ok(header.includes(`'shape': (${index.rows.length}, 512)`), header);
  assert.equal(bytes.length, 10 + headerLength + index.rows.length * 512 * 4);
  assert.deepEqual(index.rows.map(({ row }) => row), index.rows.map((_, row) => row));
  assert.equal(index.rows[0].image, onePerson);
  assert.equal(index.rows[1].image, twoFaces);
  assert.equal(index.rows[2].face_index, 1);
  const { json } = await runJson(['embed', onePerson, ...pack]);
  const first = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + headerLength, bytes.byteOffset + 10 + headerLength + 2048));
  json[0].faces[0].embedding.forEach((value, i) => assert.ok(Math.abs(value - first[i]) < 1e-5));
});

test('embed tells a photo that cannot be used, and embeds the others', { skip }, async () => {
  const notes = file('embed/notes.jpg', 'this is no image');
  const { code, json, stderr } = await runJson(['embed', notes, onePerson, ...pack]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, /^faceforge: .*notes\.jpg: .*\(not_an_image\)$/m);
  assert.deepEqual([json[0].image, json[0].error.reason, json[0].faces], [notes, 'not_an_image', undefined]);
  assert.deepEqual([json[1].image, json[1].faces[0].embedding.length], [onePerson, 512]);

  const npy = join(folder, 'partly.npy');
  const partly = await run(['embed', notes, onePerson, '--npy', npy, ...pack]);
  assert.equal(partly.code, 2, partly.stderr);
  assert.match(partly.stderr, /\(not_an_image\)$/m);
  assert.match(partly.stderr, /^1 embeddings of 1 photos in /m);
  const { rows } = JSON.parse(readFileSync(`${npy}.json`, 'utf8'));
  assert.deepEqual(rows.map(({ row, image }) => [row, image]), [[0, onePerson]]);
  assert.ok(readFileSync(npy).includes("'shape': (1, 512)"));

  const nothing = join(folder, 'nothing.npy');
  assert.ok((await run(['embed', notes, '--npy', nothing, ...pack])).code >= 3);
  assert.ok(!existsSync(nothing) && !existsSync(`${nothing}.json`));
});

test('Ctrl-C before the first photo is an error and no empty result', { skip }, async () => {
  const npy = join(folder, 'never.npy');
  for (const args of [['detect', onePerson, '--json'], ['embed', onePerson, '--json'], ['embed', onePerson, '--npy', npy],
    ['compare', onePerson, onePerson, '--json'], ['compare', onePerson, onePerson]]) {
    const { code, stdout, stderr } = await run([...args, ...pack], { through: interrupted });
    assert.equal(code, 130, `${args}: ${stderr}`);
    assert.match(stderr, /^faceforge: stopped.* \(cancelled\)$/m);
    if (args.includes('--json')) assert.equal(JSON.parse(stdout).error.reason, 'cancelled');
    else assert.equal(stdout, '');
  }
  assert.ok(!existsSync(npy) && !existsSync(`${npy}.json`));
});

test('a reader that has gone ends the work', { skip }, async () => {
  for (const args of [['detect', '--json'], ['detect'], ['embed']]) {
    const child = start([...args, ...Array(2000).fill(onePerson), ...pack]);
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdout.once('data', () => child.stdout.destroy());
    const begin = Date.now();
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 6, stderr);
    assert.match(stderr, /^faceforge: cannot write to standard output: Broken pipe \(output_not_written\)$/m);
    assert.ok(Date.now() - begin < 20_000, 'long before 2000 photos');
  }
});

test('Ctrl-C ends a long run with the JSON whole and no half-written file', { skip }, async () => {
  const many = Array(400).fill(onePerson);
  const npy = join(folder, 'interrupted.npy');
  for (const args of [['embed', ...many, '--npy', npy], ['detect', ...many, '--json']]) {
    const child = start([...args, ...pack]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => (stderr += text));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill('SIGINT');
    const code = await new Promise((resolve) => child.on('close', resolve));
    assert.equal(code, 130, stderr);
    assert.match(stderr, /stopped after \d+ of 400 photos/);
    if (args.includes('--json')) assert.ok(JSON.parse(stdout).length < 400);
  }
  assert.ok(!existsSync(npy) && !existsSync(`${npy}.json`));
});

test('compare: one person is a match and exit code 0, two people are none and exit code 1', { skip }, async () => {
  const same = await runJson(['compare', lfw('Abel_Pacheco', 1), lfw('Abel_Pacheco', 4), '--largest', ...pack]);
  assert.equal(same.code, 0, same.stderr);
  assert.equal(same.json.decision, 'match');
  assert.equal(same.json.false_match_rate, 1e-4);
  assert.equal(same.json.extrapolated, false);
  assert.ok(same.json.similarity >= same.json.match_threshold);
  assert.match(same.json.model_id, /^[0-9a-f]{64}$/);
  const other = await runJson(['compare', lfw('Abel_Pacheco', 1), lfw('Zico', 1), '--largest', ...pack]);
  assert.equal(other.code, 1, other.stderr);
  assert.equal(other.json.decision, 'no_match');
  assert.ok(other.json.similarity < other.json.match_threshold);
});

test('compare: a rarer promise has a higher threshold, and says when it is extrapolated', { skip }, async () => {
  const at = async (fmr) => (await runJson(['compare', onePerson, lfw('Zico', 2), '--largest', '--fmr', fmr, ...pack])).json;
  const [often, seldom, never] = [await at('1e-2'), await at('1e-5'), await at('1e-7')];
  assert.ok(often.match_threshold < seldom.match_threshold);
  assert.ok(seldom.match_threshold < never.match_threshold);
  assert.equal(seldom.extrapolated, false);
  assert.equal(never.extrapolated, true);
});

test('compare: what cannot be compared is an error, never a verdict', { skip }, async () => {
  const grey = file('grey2.png', png(200, 200));
  const tiny = file('tiny.png', png(5, 5));
  const cases = [
    [[onePerson, twoFaces], 'several_faces'],
    [[onePerson, grey], 'no_face_found'],
    [[tiny, onePerson], 'no_face_found'],
    ...badPhotos().map(([path, reason]) => [[onePerson, path], reason]),
    [[onePerson, onePerson, '--fmr', '0'], 'false_match_rate_out_of_range'],
    [[onePerson, onePerson, '--fmr', '2'], 'false_match_rate_out_of_range'],
    [[onePerson, onePerson, '--pack', 'no-such-pack'], 'pack_unknown'],
  ];
  for (const [args, reason] of cases) {
    const options = args.includes('--pack') ? ['--data', data] : pack;
    const { code, json, stderr } = await runJson(['compare', ...args, ...options]);
    assert.ok(code >= 2, `${reason}: ${code}`);
    assert.equal(json.error.reason, reason, stderr);
    assert.ok(stderr.includes(`(${reason})`));
  }
});

test('standard output that cannot be written is an error', () => {
  const full = openSync('/dev/full', 'w');
  const { status, stderr } = spawnSync(binary, ['--version'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' });
  assert.equal(status, 6);
  assert.match(stderr, /output_not_written/);
});
