// ./run before it has anything: the script and its set-up alone, with stand-ins for what they call.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = mkdtempSync(join(tmpdir(), 'faceforge-run-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A tree with `run` and its set-up; whatever else is called writes its name into `called`, and npm takes its time. */
function tree(name) {
  const place = join(folder, name);
  const called = join(place, 'called');
  for (const file of ['run', 'tools/setup.sh', 'web/package-lock.json']) cpSync(join(root, file), join(place, file));
  mkdirSync(join(place, 'bin'));
  writeFileSync(join(place, 'tools/apt-packages.txt'), '');
  mkdirSync(join(place, 'src/http'), { recursive: true });
  writeFileSync(join(place, 'src/http/openapi.yaml'), '');
  for (const program of ['apt-get', 'cmake', 'ninja', 'npm', 'dpkg-query']) {
    const path = join(place, 'bin', program);
    writeFileSync(path, `#!/bin/bash\necho ${program} >> '${called}'\n${program === 'npm' ? 'sleep 60' : ''}\n`);
    chmodSync(path, 0o755);
  }
  return { place, called };
}

/** Runs it as a terminal does, in a group of its own: `{ code, stderr }`. */
function run({ place }, args, onOutput = () => {}, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(place, 'run'), args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: join(place, 'home'), XDG_DATA_HOME: '', PATH: `${join(place, 'bin')}:${process.env.PATH}`, ...env },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => (stdout += text));
    child.stderr.on('data', (text) => onOutput((stderr += text), child));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

test('a mistake in the options is told before anything is installed', async () => {
  const here = tree('mistakes');
  for (const [args, said] of [
    [['--bogus'], /--bogus is no option/], [['--bogus=1'], /--bogus is no option/], [['stop'], /stop is no option/],
    [['--data'], /--data needs a value/], [['--data='], /--data needs a value/], [['--data', '--behind-proxy'], /--data needs a value/],
    [['--behind-proxy', '--pack'], /--pack needs a value/], [['--behind-proxy=1'], /--behind-proxy is no option/],
    [['--listen', '8090'], /`8090` is no ADDRESS:PORT/], [['--listen=localhost:80'], /is no ADDRESS:PORT/],
    [['--listen', '127.0.0.1:99999'], /is no ADDRESS:PORT/], [['--listen', '::1:80'], /is no ADDRESS:PORT/],
  ]) {
    const { code, stderr } = await run(here, args);
    assert.equal(code, 64, args.join(' '));
    assert.match(stderr, said);
    assert.match(stderr, /^faceforge: .+\nRun \.\/run --help for more\.\n$/);
  }
  assert.ok(!existsSync(here.called), 'nothing was called');
  assert.ok(!existsSync(join(here.place, 'home')), 'the home folder was left alone');
});

test('without a home folder it asks for --data before anything is installed', async () => {
  const here = tree('homeless');
  for (const env of [{ HOME: '' }, { HOME: 'home', XDG_DATA_HOME: 'relative' }, { HOME: undefined }]) {
    const { code, stderr } = await run(here, [], undefined, env);
    assert.equal(code, 64);
    assert.match(stderr, /where is the data folder\?.*--data DIR/);
  }
  assert.ok(!existsSync(here.called), 'nothing was called');
});

test('the options are those of faceforge serve', async () => {
  const source = readFileSync(join(root, 'src/cli/serve_command.cpp'), 'utf8') +
    readFileSync(join(root, 'src/cli/installation.cpp'), 'utf8') + readFileSync(join(root, 'src/cli/pack_choice.cpp'), 'utf8') +
    readFileSync(join(root, 'src/cli/certificate.cpp'), 'utf8');
  const declared = new Set([...source.matchAll(/add_(?:option|flag)\(\s*"(--[a-z,-]+)"/g)].flatMap(([, names]) => names.split(',')));
  const script = readFileSync(join(root, 'run'), 'utf8').match(/^check_options\(\) \{[^]*?^\}/m)[0];
  const known = new Set([...script.matchAll(/(--[a-z][a-z-]+)/g)].map(([, name]) => name));
  known.delete('--help');
  assert.deepEqual([...known].sort(), [...declared].sort());
});

test('help says how to call it', async () => {
  const { code, stdout } = await run(tree('help'), ['--help']);
  assert.equal(code, 0);
  assert.match(stdout, /\.\/run \[--data DIR\] \[--listen ADDR:PORT\]/);
});

test('Ctrl-C during the set-up is no failure of the step that it ended', async () => {
  let pressed = false;
  const { code, stderr } = await run(tree('interrupted'), [], (text, child) => {
    if (pressed || !text.includes('npm packages of web')) return;
    pressed = true;
    setTimeout(() => process.kill(-child.pid, 'SIGINT'), 200);
  });
  assert.equal(code, 130, stderr);
  assert.match(stderr, /faceforge: interrupted\n$/);
  assert.doesNotMatch(stderr, /failed/);
});
