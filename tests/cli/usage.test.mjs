// What needs no model: help, version, mistakes in the command line, completion.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { file, folder, run } from './faceforge.mjs';

const commands = [
  ['serve'], ['packs'], ['packs', 'list'], ['packs', 'info'], ['packs', 'install'], ['packs', 'remove'], ['user'],
  ['user', 'list'], ['user', 'reset-password'], ['detect'], ['embed'], ['compare'], ['gallery'], ['gallery', 'train'],
  ['gallery', 'info'], ['identify'], ['verify'], ['evaluate'], ['evaluate', 'pairs'], ['evaluate', 'calibrate'],
  ['doctor'], ['completion'],
];

test('every command has help on standard output', async () => {
  for (const command of [[], ...commands]) {
    const { code, stdout, stderr } = await run([...command, '--help']);
    assert.equal(code, 0, command.join(' '));
    assert.equal(stderr, '');
    assert.match(stdout, /--help/);
  }
});

test('every command that does something shows an example of itself', async () => {
  for (const command of commands.filter((words) => !['packs', 'user', 'gallery', 'evaluate'].includes(words.join(' ')))) {
    const { stdout } = await run([...command, '--help']);
    assert.match(stdout, new RegExp(`Examples:[^]*faceforge ${command.join(' ')}`), command.join(' '));
  }
});

test('every command that uses a model takes --pack', async () => {
  for (const command of ['detect', 'embed', 'compare', 'gallery train', 'identify', 'verify', 'evaluate pairs', 'evaluate calibrate', 'serve', 'doctor']) {
    assert.match((await run([...command.split(' '), '--help'])).stdout, /--pack ID\|DIR/, command);
  }
});

test('the version is one line', async () => {
  const { code, stdout } = await run(['--version']);
  assert.equal(code, 0);
  assert.match(stdout, /^faceforge \d+\.\d+\.\d+\n$/);
});

test('a mistake in the command line is told on standard error and is no success', async () => {
  for (const args of [[], ['fly'], ['detect'], ['detect', '--no-such', 'x.jpg'], ['compare', 'a.jpg'], ['gallery'],
    ['gallery', 'train', 'x'], ['identify', 'x.jpg'], ['identify', '--gallery', 'g', '--top', '0', 'x.jpg'],
    ['compare', 'a', 'b', '--fmr', 'often'], ['embed', 'x.jpg', '--json', '--npy', 'x.npy']]) {
    const { code, stdout, stderr } = await run(args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^faceforge: .+\nRun with --help for more\.\n$/);
  }
});

test('what is busy and what has no word of its own have their exit codes', async () => {
  const lock = file('busy/packs/.lock', '');
  const busy = await run(['packs', 'remove', 'x', '--data', join(folder, 'busy')], { through: ['flock', lock] });
  assert.equal(busy.code, 4, 'what is not there needs no lock');
  const install = await run(['packs', 'install', folder, '--data', join(folder, 'busy')], { through: ['flock', lock] });
  assert.equal(install.code, 5, install.stderr);
  assert.match(install.stderr, /install_in_progress/);
  symlinkSync('circle.ffg', join(folder, 'circle.ffg'));
  const circle = await run(['gallery', 'info', join(folder, 'circle.ffg')]);
  assert.equal(circle.code, 70, circle.stderr);
  assert.match(circle.stderr, /circle\.ffg: Too many levels of symbolic links \(file_error\)/);
});

test('a command that does not exist is named', async () => {
  assert.match((await run(['fly', 'away'])).stderr, /^faceforge: `fly` is no command/);
  assert.match((await run(['packs', 'fly'])).stderr, /^faceforge: `fly` is no command/);
  assert.match((await run(['packs'])).stderr, /^faceforge: A subcommand is required/);
});

test('completion scripts are accepted by their shells', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await run(['completion', shell]);
    assert.equal(code, 0);
    const checked = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    if (checked.error) continue; // this shell is not installed
    assert.equal(checked.status, 0, checked.stderr);
  }
  const { code, stderr } = await run(['completion', 'tcsh']);
  assert.equal(code, 3);
  assert.match(stderr, /shell_unknown/);
});
