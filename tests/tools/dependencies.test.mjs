// docs/dependencies.md must tell of every package that is asked for, and of no other.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const lines = (path) => readFileSync(join(root, path), 'utf8').split('\n');

function* packageFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !['node_modules', 'build', 'out', 'dist', '.git'].includes(entry.name)) yield* packageFiles(path);
    else if (entry.name === 'package.json') yield path;
  }
}

function npmPackages() {
  return [...packageFiles(root)].flatMap((path) => {
    const { dependencies, devDependencies, overrides } = JSON.parse(readFileSync(path, 'utf8'));
    return Object.keys({ ...dependencies, ...devDependencies, ...overrides });
  });
}

const debianPackages = () =>
  ['tools/apt-packages.txt', 'tools/apt-packages-test.txt', 'tools/apt-packages-bench.txt'].flatMap(lines)
    .map((line) => line.replace(/#.*/, '').trim()).filter((name) => name !== '');

/** The cells of every row that is neither a table's head nor the line below it. */
const rows = lines('docs/dependencies.md').filter((line) => /^\| (?!package \|)/.test(line))
  .map((line) => line.split('|').slice(1, -1).map((cell) => cell.trim()));

test('every package that is asked for has its line, and every line its package', () => {
  const told = rows.flatMap(([names]) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.deepEqual(told.toSorted(), [...new Set([...debianPackages(), ...npmPackages()])].sort());
});

test('each line says what for, why this one, and under which licence', () => {
  const incomplete = rows.filter((cells) => cells.length !== 4 || cells.includes(''));
  assert.deepEqual(incomplete, []);
});
