// bench/run before it measures: the script and its set-up alone, with stand-ins for what they call.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'faceforge-bench-run-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A tree with the script and its set-up; whatever else is called writes its words into `called`. */
function tree(name) {
  const place = join(folder, name);
  const called = join(place, 'called');
  const frame = ['options.mjs', 'parts.mjs'].map((file) => `bench/frame/${file}`);
  for (const file of ['bench/run', 'tools/setup.sh', ...frame]) {
    cpSync(join(root, file), join(place, file));
  }
  for (const kind of ['', '-test', '-bench']) {
    writeFileSync(join(place, `tools/apt-packages${kind}.txt`), '');
  }
  for (const npm of ['packaging/npm', 'tests/onnxruntime', 'bench']) {
    mkdirSync(join(place, npm, 'node_modules'), { recursive: true });
    writeFileSync(join(place, npm, 'package-lock.json'), '{}');
  }
  writeFileSync(
    join(place, 'bench/frame/main.mjs'),
    `import { appendFileSync } from 'node:fs';
     appendFileSync('${called}', ['main', ...process.argv.slice(2)].join(' ') + '\\n');`,
  );
  mkdirSync(join(place, 'bin'));
  for (const program of ['apt-get', 'cmake', 'ninja', 'npm', 'dpkg-query']) {
    const path = join(place, 'bin', program);
    writeFileSync(path, `#!/bin/bash\necho ${program} "$@" >> '${called}'\n`);
    chmodSync(path, 0o755);
  }
  return { place, called };
}

function run({ place }, ...args) {
  const env = { ...process.env, PATH: `${join(place, 'bin')}:${process.env.PATH}` };
  return spawnSync(join(place, 'bench/run'), args, { encoding: 'utf8', env });
}

test('a mistake in the options is told before anything is installed', () => {
  const here = tree('mistakes');
  for (const [args, said] of [
    [['--fast'], /Unknown option '--fast'/],
    [['--only', 'serch'], /--only serch: the parts are/],
    [['--json', '/nowhere/rows.json'], /\/nowhere is not there/],
  ]) {
    const { status, stderr } = run(here, ...args);
    assert.equal(status, 64, args.join(' '));
    assert.match(stderr, said);
    assert.match(stderr, /Run bench\/run --help for more/);
  }
  assert.ok(!existsSync(here.called));
});

test('help says every option and installs nothing', () => {
  const here = tree('help');
  const { status, stdout } = run(here, '--help');
  assert.equal(status, 0);
  for (const option of ['--quick', '--json FILE', '--only PART', '--docs', '--redraw']) {
    assert.ok(stdout.includes(option), option);
  }
  assert.doesNotMatch(stdout, /^#|set -euo/m);
  assert.ok(!existsSync(here.called));
});

test('the rivals are switched on and built before the parts run, with the options as given', () => {
  const here = tree('set-up');
  const { status, stderr } = run(here, '--quick', '--only', 'search');
  assert.equal(status, 0, stderr);
  const calls = readFileSync(here.called, 'utf8').trim().split('\n');
  const place = (pattern) => calls.findIndex((call) => pattern.test(call));
  assert.equal(calls.filter((call) => call.startsWith('npm ci')).length, 3);
  const configured = place(/^cmake --preset release .*-DFACEFORGE_BENCH=ON/);
  const built = place(/^ninja -C \S+ faceforge_bench$/);
  assert.ok(configured >= 0 && built > configured, calls.join('\n'));
  assert.equal(calls.at(-1), 'main --quick --only search');
});
