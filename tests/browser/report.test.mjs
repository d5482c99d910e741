// The pages that `faceforge evaluate` writes, as a reader opens them: every plot is drawn, nothing is asked of anybody,
// and they are good to read on a phone, in the dark and with a screen reader.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { launch, sweepPage, watch, why } from './browser.mjs';
import { binary, root, testData } from './server.mjs';

const folder = mkdtempSync(join(tmpdir(), 'faceforge-report-'));
const people = join(folder, 'people');
let browser;

function evaluate(command, ...args) {
  execFileSync(binary, ['evaluate', command, ...args, '--images', people, '--data', join(folder, 'data')], {
    env: { ...process.env, FACEFORGE_PACKS: join(testData, 'packs'), FACEFORGE_WEB: join(root, 'web/dist') },
    stdio: 'ignore',
  });
}

/** Opens a page of a report, once all of its plots are drawn. */
async function open(file) {
  const page = await browser.newPage();
  const watched = watch(page);
  await page.goto(pathToFileURL(file).href);
  const plots = await page.locator('figure[data-plot]').count();
  await page.waitForFunction((count) => document.documentElement.dataset.drawn === String(count), plots);
  return { page, plots, faults: watched.faults };
}

before(async () => {
  if (why) return;
  browser = await launch();
  mkdirSync(people);
  const lfw = join(testData, 'lfw');
  const chosen = readdirSync(lfw).filter((person) => [3, 4].includes(readdirSync(join(lfw, person)).length)).slice(0, 16);
  for (const person of chosen) symlinkSync(join(lfw, person), join(people, person));
  const rows = chosen.map((person, index) => `${person},${['indoors', 'outdoors'][index % 2]}`);
  writeFileSync(join(folder, 'attributes.csv'), ['name,place', ...rows, ''].join('\n'));
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a folder: each plot is drawn, and pointing at a curve tells its numbers', { skip: why }, async () => {
  const file = join(folder, 'people.html');
  evaluate('folder', '--pack', 'scrfd500-mbf', '--attributes', join(folder, 'attributes.csv'), '--report', file);
  const { page, plots, faults } = await open(file);
  assert.ok(plots >= 8, `${plots} plots: ROC, similarities, map, five of quality, place`);
  assert.equal(await page.locator('.pairs img').count(), 48);
  await page.locator('figure[aria-label^="ROC"] svg.marks').hover({ position: { x: 200, y: 150 } });
  await page.locator('#vg-tooltip-element', { hasText: 'threshold' }).waitFor();
  await page.mouse.move(0, 0);
  await sweepPage(page, 'report-folder');
  assert.deepEqual(faults, []);
  await page.close();
});

test('a comparison: the models and how sure the best one is', { skip: why }, async () => {
  const file = join(folder, 'models.html');
  evaluate('compare', 'scrfd500-mbf', 'yunet-mbf', '--report', file);
  const { page, plots, faults } = await open(file);
  assert.equal(plots, 1);
  await sweepPage(page, 'report-compare');
  assert.deepEqual(faults, []);
  await page.close();
});
