// What is wrong with the words of a benchmark is told in one line, before anything is measured.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

for (const [program, args, said] of [
  ['search', ['--bogus'], "search: Unknown option '--bogus'; see --help"],
  ['search', ['--rows', '0'], 'search: --rows 0: a whole number from 1 to 100000000; see --help'],
  ['search', ['--threads', '1,two'], 'search: --threads two: a whole number from 1 to 256; see --help'],
  ['search', ['--rounds', '1e99'], 'search: --rounds 1e99: a whole number from 1 to 1000; see --help'],
  [
    'search',
    ['--exact', '--alone'],
    'search: --exact goes neither with --approximate nor with --alone, which is of approximate search; see --help',
  ],
  ['networks', ['--batch', '1,0'], 'networks: --batch 0: a whole number from 1 to 1024; see --help'],
  ['http_load', ['--rounds', '1e99'], 'http_load: --rounds 1e99: a whole number from 1 to 1000; see --help'],
  ['http_load', ['--clients', '-1'], "http_load: Option '--clients' argument is ambiguous; see --help"],
  ['http_load', ['--seconds', '3601'], 'http_load: --seconds 3601: a whole number from 1 to 3600; see --help'],
]) {
  test(`bench/${program} ${args.join(' ')}`, () => {
    const { status, stdout, stderr } = spawnSync(join(root, 'bench', program), args, { encoding: 'utf8' });
    assert.equal(stderr, `${said}\n`);
    assert.equal(stdout, '');
    assert.equal(status, 2);
  });
}
