// faceforge export, as far as it goes without a network that was trained: tests/cli/train.test.mjs trains one, and
// src/lab's own tests make packs of checkpoints that they write.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { data, file, folder, run, runJson, skip } from './faceforge.mjs';

const output = join(folder, 'mine');
const exporting = (checkpoint, { detector = 'scrfd500-mbf', to = output, more = [] } = {}) =>
  ['export', checkpoint, '--detector-from', detector, '-o', to, ...more, '--data', data];

async function refused(reason, code, args) {
  const { json, ...ended } = await runJson(args);
  assert.equal(json.error?.reason, reason, ended.stderr);
  assert.equal(ended.code, code);
}

test('what is no checkpoint is refused by name, and leaves nothing', { skip }, async () => {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  await refused('file_not_found', 4, exporting(join(folder, 'none.safetensors')));
  await refused('no_checkpoint', 4, exporting(empty));
  await refused('tensor_file_damaged', 7, exporting(file('damaged.safetensors', 'no tensors')));
  const header = '{"__metadata__":{"format":"pt"}}';
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await refused('not_a_checkpoint', 3, exporting(file('foreign.safetensors', Buffer.concat([length, Buffer.from(header)]))));
  assert.ok(!existsSync(output));
});

test('the other pack and the place must be right', { skip }, async () => {
  const checkpoint = file('damaged.safetensors', 'no tensors');
  await refused('pack_unknown', 4, exporting(checkpoint, { detector: 'scrfd501' }));
  await refused('pack_not_installed', 4, exporting(checkpoint, { detector: 'buffalo_l' }));
  await refused('output_among_packs', 3, exporting(checkpoint, { to: join(data, 'packs', 'mine') }));
  const missing = await run(['export', checkpoint, '-o', output]);
  assert.equal(missing.code, 64);
  assert.match(missing.stderr, /--detector-from/);
});
