// The pages to look at: every page and every state that matters as a picture, on a desktop and a phone, in light and dark,
// and the same walk as a film, so that what jumps is seen too. The real server, a real pack, photos of LFW, a fake camera.
//   node tests/browser/film.mjs DIR [--only pictures|film] [CHAPTER...]        chapters: see `film_chapters.mjs`
// Writes DIR/pictures/NAME-FORM.png, DIR/sheets/NAME.png (the forms of one state beside each other), DIR/film-DEVICE with
// frames, sheets of them, `shifts.txt` (what moved by itself) and, where ffmpeg is, `tour.webm`. It shows photos of people:
// DIR is for looking only.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { filmTo, launch, watch, why } from './browser.mjs';
import { chapters } from './film_chapters.mjs';
import { makeSheet, makeFilmSheets, makeVideo } from './film_sheets.mjs';
import { Stage } from './film_stage.mjs';
import { startServer } from './server.mjs';
import { makeFilm } from './webcam_film.mjs';

const devices = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };
const forms = [['desktop', 'light'], ['phone', 'dark'], ['desktop', 'dark'], ['phone', 'light']];

/** Takes a picture of a state in each of the four forms. */
async function takePictures(page, folder, name, { until, whole }) {
  const files = [];
  for (const [device, colorScheme] of forms) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(devices[device]);
    await page.waitForTimeout(350); // what moves after a change of size has come to rest
    await until?.();
    if (whole) await page.evaluate(() => window.scrollTo(0, 0)); // else the bar of the page is drawn in its midst
    const file = join(folder, `${name}-${device}-${colorScheme}.png`);
    await page.screenshot({ path: file, fullPage: whole });
    files.push(file);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (overflow > 0) console.log(`${name} is ${overflow} px wider than a ${device}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(devices.desktop);
  return files;
}

/** Walks through the chapters; `look` is called for each state with its page, name and how it is to be seen. */
async function walk(stage, wanted, look, filmIn) {
  for (const name of wanted) {
    const page = await stage.open(look, filmIn && ((opened) => filmTo(join(filmIn, name), opened, stage.viewport)));
    const watched = watch(page);
    const begun_ms = Date.now();
    try {
      await chapters[name](stage);
      for (const fault of watched.faults) console.log(`${name}: ${fault}`);
    } catch (error) {
      await page.screenshot({ path: join(stage.folder, `${name}-failed.png`) }).catch(() => {});
      console.log(`${name} was broken off: ${error.stack}`);
      process.exitCode = 1;
    }
    await stage.close();
    console.log(`${name}: ${((Date.now() - begun_ms) / 1000).toFixed(0)} s`);
  }
}

/** A fresh server with its base, and a browser whose camera shows people of it and a stranger. */
async function onStage(folder, viewport, work) {
  const scratch = mkdtempSync(join(tmpdir(), 'faceforge-film-'));
  let browser = await launch();
  const webcam = join(scratch, 'webcam.mjpeg');
  await makeFilm(browser, webcam, Stage.webcamScenes, 2);
  await browser.close();
  browser = await launch(['--use-fake-device-for-media-stream=device-count=2', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${webcam}`]);
  const server = await startServer({ data: join(scratch, 'data'), extra: ['--pack', 'scrfd500-mbf'] });
  const stage = new Stage({ browser, server, folder, scratch, viewport });
  try {
    await stage.furnish();
    await work(stage);
  } finally {
    await browser.close();
    await stage.server.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function main() {
  const given = process.argv.slice(2);
  const only = given.includes('--only') ? given.splice(given.indexOf('--only'), 2)[1] : null;
  const [directory, ...named] = given;
  assert.ok(directory, 'node tests/browser/film.mjs DIR [--only pictures|film] [CHAPTER...]');
  assert.ok([null, 'pictures', 'film'].includes(only), `--only ${only}`);
  for (const name of named) assert.ok(chapters[name], `there is no chapter ${name}; there are ${Object.keys(chapters).join(', ')}`);
  assert.ok(!why, why);
  const folder = resolve(directory);
  const wanted = named.length > 0 ? named : Object.keys(chapters);

  if (only !== 'film') {
    for (const part of ['pictures', 'sheets']) mkdirSync(join(folder, part), { recursive: true });
    const taken = [];
    const look = async (page, name, how) => taken.push([name, await takePictures(page, join(folder, 'pictures'), name, how)]);
    await onStage(folder, devices.desktop, async (stage) => {
      await walk(stage, wanted, look);
      for (const [name, files] of taken) await makeSheet(stage.browser, files, join(folder, 'sheets', name));
    });
  }
  if (only !== 'pictures') {
    for (const [device, viewport] of Object.entries(devices)) {
      const filmIn = join(folder, `film-${device}`);
      await onStage(folder, viewport, async (stage) => {
        await walk(stage, wanted, (page) => page.waitForTimeout(700), filmIn);
        for (const name of wanted) {
          await makeFilmSheets(stage.browser, join(filmIn, name));
          makeVideo(join(filmIn, name));
        }
      });
    }
  }
}

await main();
