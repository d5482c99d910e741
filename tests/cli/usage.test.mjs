// What needs no model: help, version, mistakes in the command line, completion.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { before } from 'node:test';
import { file, folder, root, run, runJson } from './faceforge.mjs';

/** Every command with its help, found as a user would: by the help of the one above. */
const helps = new Map();
before(async () => {
  for (const waiting = [[]]; waiting.length > 0; ) {
    const command = waiting.shift();
    const { code, stdout, stderr } = await run([...command, '--help']);
    assert.equal(code, 0, command.join(' '));
    assert.equal(stderr, '');
    helps.set(command.join(' '), stdout);
    const below = stdout.split(/^Subcommands:\n/m)[1] ?? '';
    for (const [, name] of below.split(/\n\n/)[0].matchAll(/^  ([a-z-]+) /gm)) waiting.push([...command, name]);
  }
});

test('every command has help on standard output', () => {
  assert.ok(helps.size >= 23, [...helps.keys()].join(', '));
  for (const [command, help] of helps) assert.match(help, /--help/, command);
});

test('every command shows an example of itself', () => {
  for (const [command, help] of helps) {
    assert.match(help, new RegExp(`Examples:[^]*faceforge ${command}`), command);
  }
});

test('every command and option is in docs/cli.md, and nothing else is', () => {
  const text = readFileSync(join(root, 'docs/cli.md'), 'utf8');
  const rows = new Map();
  for (const [, usage] of text.matchAll(/^\| `faceforge ([^`]*)` \|/gm)) {
    const [, path, rest] = usage.match(/^([a-z][a-z-]*(?: [a-z][a-z-]*)*)(.*)$/);
    rows.set(path, new Set(rest.match(/(?<![\w-])--?[a-z][a-z0-9-]*/g)));
  }
  const leaves = [...helps.keys()].filter((command) => !/Subcommands:/.test(helps.get(command)) || helps.get(command).includes('[SUBCOMMAND]'));
  assert.deepEqual([...rows.keys()].sort(), leaves.sort());
  const everywhere = new Set(['--help', '-h']);
  for (const [, name] of text.match(/^Wherever [^]*?\n\n/m)[0].matchAll(/`(--[a-z-]+)/g)) everywhere.add(name);
  for (const command of leaves) {
    const declared = [...helps.get(command).matchAll(/^  (-\S+)/gm)].flatMap(([, names]) => names.split(','));
    const documented = rows.get(command);
    assert.deepEqual(declared.filter((name) => !documented.has(name) && !everywhere.has(name)), [], `${command}: not documented`);
    assert.deepEqual([...documented].filter((name) => !declared.includes(name)), [], `${command}: does not exist`);
  }
});

test('a mistyped command or option is told with those that it may have meant', async () => {
  for (const [args, said] of [
    [['identfy', 'x.jpg'], '`identfy` is no command; did you mean `identify`?'],
    [['packs', 'instal', 'x'], '`instal` is no command; did you mean `install`?'],
    [['detect', '--jsn', 'x.jpg'], '`--jsn` is no option of faceforge detect; did you mean `--json`?'],
    [['identify', '--galery', 'staff.ffg', 'x.jpg'], '`--galery` is no option of faceforge identify; did you mean `--gallery`?'],
    [['compare', 'a', 'b', '--fmrr=1e-4'], '`--fmrr` is no option of faceforge compare; did you mean `--fmr`?'],
    [['gallery', 'train', '--outptu', 'x'], '`--outptu` is no option of faceforge gallery train; did you mean `--output`?'],
    [['--jason', 'detect'], '`--jason` is no option of faceforge'],
    [['detect', '--\u001b[2J', 'x.jpg'], '`--\\x1b[2J` is no option of faceforge detect'],
  ]) {
    const { code, stderr } = await run(args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stderr, `faceforge: ${said} (usage)\nRun with --help for more.\n`);
  }
});

test('every command that uses a model takes --pack', () => {
  for (const command of ['detect', 'embed', 'compare', 'gallery train', 'identify', 'verify', 'evaluate pairs', 'evaluate calibrate', 'serve']) {
    assert.match(helps.get(command), /--pack ID\|DIR/, command);
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

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`the completion script for ${shell} is accepted by it`, async (t) => {
    const { code, stdout } = await run(['completion', shell]);
    assert.equal(code, 0);
    assert.match(stdout, /faceforge/);
    const checked = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    if (checked.error?.code === 'ENOENT') return t.skip(`${shell} is not installed`);
    assert.equal(checked.error, undefined);
    assert.equal(checked.status, 0, checked.stderr);
  });
}

test('there is no completion for a shell that is not known', async () => {
  const { code, stderr } = await run(['completion', 'tcsh']);
  assert.equal(code, 3);
  assert.match(stderr, /shell_unknown/);
});

test('what `train head` tried takes the place of neither the gallery nor the output, whatever leads there', async () => {
  const gallery = file('staff.ffg', 'no gallery, and never read before that is known');
  const link = join(folder, 'link.ffg');
  symlinkSync('staff.ffg', link);
  symlinkSync('.', join(folder, 'here'));
  symlinkSync('better.ffg', join(folder, 'later.ffg'));
  const better = join(folder, 'better.ffg');
  const reasonOf = async (tried, ...output) =>
    (await runJson(['train', 'head', '--gallery', gallery, '--tried', tried, ...output])).json.error.reason;
  for (const tried of [gallery, link, join(folder, 'here', 'staff.ffg')]) {
    assert.equal(await reasonOf(tried), 'tried_is_gallery', tried);
    assert.equal(await reasonOf(tried, '-o', better), 'tried_is_gallery', tried);
  }
  for (const tried of [better, join(folder, 'here', 'better.ffg'), join(folder, 'later.ffg')]) {
    assert.equal(await reasonOf(tried, '-o', better), 'tried_is_output', tried);
  }
  assert.equal(await reasonOf(join(folder, 'tried.ffg'), '-o', better), 'not_a_gallery_model');
});
