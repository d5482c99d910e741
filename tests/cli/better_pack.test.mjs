// What `./run` says where an older version of its pack is installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

const root = join(import.meta.dirname, '../..');
const knownCard = join(root, 'models/faceapi/card.json');
const known = JSON.parse(readFileSync(knownCard, 'utf8'));
const folder = mkdtempSync(join(tmpdir(), 'faceforge-better-pack-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Asks about an installed card; a text stands for a damaged one. */
function ask(installed) {
  const card = join(folder, 'card.json');
  writeFileSync(card, typeof installed === 'string' ? installed : JSON.stringify(installed));
  return spawnSync('node', [join(root, 'tools/better_pack.mjs'), card, knownCard, '/data/here'], { encoding: 'utf8' });
}

test('an older version is told of in one line, with what to do', () => {
  const { status, stdout } = ask({ ...known, measured_accuracy: { protocol: 'lfw-view2', accuracy: 0.5 } });
  assert.equal(status, 0);
  assert.match(stdout, /^a better version of the pack faceapi .*0\.5: .*`faceforge packs remove faceapi --data \/data\/here`.*\n$/);
  assert.match(stdout, /train every gallery/);
  assert.equal(ask({ ...known, measured_accuracy: null }).stdout.trim().split('\n').length, 1);
});

test('nothing is said of the same version, a better one, or another pack', () => {
  assert.equal(ask(known).stdout, '');
  assert.equal(ask({ ...known, measured_accuracy: { accuracy: 0.9999 } }).stdout, '');
  assert.equal(ask({ ...known, id: 'other', measured_accuracy: { accuracy: 0.5 } }).stdout, '');
});

test('a damaged card stops nothing: ./run hears no line', () => {
  const { status, stdout } = ask('{');
  assert.notEqual(status, 0);
  assert.equal(stdout, '');
});
