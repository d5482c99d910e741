// The layer check must fail on each way to break the direction of the house, and pass on a clean tree.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtempSync, mkdirSync, writeFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join, dirname } from 'node:path';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

const check = join(dirname(fileURLToPath(import.meta.url)), '../../tools/check_layers');

function verdict(files) {
  const folder = mkdtempSync(join(tmpdir(), 'faceforge-layers-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const run = spawnSync(process.execPath, [check, folder], { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return { passed: run.status === 0, text: run.stdout + run.stderr };
}

const house = (include, extra = {}) => ({
  'src/base/CMakeLists.txt': 'module(base\n  SOURCES a.cpp)\n',
  'src/image/CMakeLists.txt': 'module(image\n  DEPENDS base\n  SOURCES a.cpp)\n',
  'src/image/a.cpp': `${include}\n`,
  ...extra,
});

test('a clean tree passes', () => {
  const run = verdict(house('#include <vector>\n#include <vips/vips.h>\n#include "base/result.h"\n#include "image/a.h"'));
  assert.ok(run.passed, run.text);
});

for (const [name, files, expected] of [
  ['an include that goes up', house('#include "vision/a.h"'), /does not name vision/],
  ['an include of a sibling', house('#include "nn/network.h"'), /does not name nn/],
  ['a path with ..', house('#include "base/../vision/a.h"'), /no '\.\.'/],
  ['an internal header of another module', house('#include "base/internal/a.h"'), /internal to base/],
  ['a third party away from home', house('#include <sodium.h>'), /not at home/],
  ['a third party nobody owns', house('#include <opencv2/core.hpp>'), /not at home/],
  ['a bare header name', house('#include "a.h"'), /does not start with a module/],
  ['a module that names a higher row',
    house('', { 'src/image/CMakeLists.txt': 'module(image\n  DEPENDS vision\n  SOURCES a.cpp)\n' }), /on row 1 names vision on row 3/],
  ['a folder on no row', house('', { 'src/utils/a.h': '' }), /no row/],
]) {
  test(`${name} fails`, () => {
    const run = verdict(files);
    assert.ok(!run.passed);
    assert.match(run.text, expected);
  });
}
