// Whoever asks a script of bench/ for help gets its usage, and nothing begins to run.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const bench = fileURLToPath(new URL('../../bench', import.meta.url));
const scripts = ['run', 'networks', 'search', 'photo', 'http_load', 'training', 'bytes_pack', 'lfw_int8', 'lfw_pairs'];

for (const script of scripts) {
  for (const word of ['-h', '--help']) {
    test(`bench/${script} ${word}`, () => {
      const { status, stdout, stderr } = spawnSync(join(bench, script), [word], { encoding: 'utf8', timeout: 20_000 });
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`bench/${script}`));
      assert.doesNotMatch(stdout, /^(#|\/\/)/m, 'marks of a comment');
      assert.equal(stderr, '');
    });
  }
}
