// Pictures beside each other on one sheet, drawn by the browser, and frames joined to a video.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const dataAddress = (file) => `data:image/${file.endsWith('png') ? 'png' : 'jpeg'};base64,${readFileSync(file).toString('base64')}`;

/** Draws cells `{ file, words }` on one sheet, each of one width, from left to right. */
async function drawSheet(browser, cells, { columns, gap_px = 16, widths_px }, file) {
  const page = await browser.newPage({ viewport: { width: widths_px.reduce((sum, width) => sum + width + gap_px, gap_px), height: 600 } });
  const figures = cells.map(({ file, words }) => `<figure><img src="${dataAddress(file)}"><figcaption>${words}</figcaption></figure>`).join('');
  const tracks = widths_px.slice(0, columns).map((width) => `${width}px`).join(' ');
  await page.setContent(`<style>
    body { margin: ${gap_px}px; display: grid; grid-template-columns: ${tracks}; gap: ${gap_px}px; align-items: start; background: #8a8a8a; font: 13px sans-serif; }
    figure { margin: 0; } img { display: block; width: 100%; }
  </style>${figures}`);
  await page.evaluate(() => Promise.all([...document.images].map((image) => image.decode())));
  await page.screenshot({ path: file, fullPage: true });
  await page.close();
}

/**
 * The forms of one state: two sheets, each with a desktop and a phone, so that all can be read.
 *
 * in: `files` of a desktop, a phone, a desktop and a phone
 */
export async function makeSheet(browser, files, path) {
  for (const [index, pair] of [files.slice(0, 2), files.slice(2)].entries()) {
    const cells = pair.map((file) => ({ file, words: '' }));
    await drawSheet(browser, cells, { columns: 2, widths_px: [1080, 390] }, `${path}-${index + 1}.png`);
  }
}

const timesOf = (folder) =>
  readdirSync(folder).filter((name) => /^\d+\.jpg$/.test(name)).map((name) => Number(name.slice(0, -4))).sort((a, b) => a - b);
const frameFile = (folder, time_ms) => join(folder, `${String(time_ms).padStart(7, '0')}.jpg`);

/** What was on the screen each quarter of a second, where it had changed, twenty frames a sheet. */
export async function makeFilmSheets(browser, folder) {
  const times = timesOf(folder);
  const seen = new Set();
  for (let at_ms = 0; at_ms <= (times.at(-1) ?? -1) + 250; at_ms += 250) {
    const shown = times.findLast((time_ms) => time_ms <= at_ms);
    if (shown !== undefined) seen.add(shown);
  }
  const shown = [...seen];
  for (let first = 0; first < shown.length; first += 20) {
    const cells = shown.slice(first, first + 20).map((time_ms) => ({ file: frameFile(folder, time_ms), words: `${time_ms} ms` }));
    const file = join(folder, `sheet-${String(first / 20 + 1).padStart(2, '0')}.png`);
    await drawSheet(browser, cells, { columns: 5, gap_px: 8, widths_px: Array(5).fill(380) }, file);
  }
}

/** Joins the frames to a video, each as long as it was on the screen; nothing where there is no ffmpeg. */
export function makeVideo(folder) {
  const times = timesOf(folder);
  if (times.length < 2) return;
  const lines = times.map((time_ms, index) => `file '${frameFile(folder, time_ms)}'\nduration ${((times[index + 1] ?? time_ms + 500) - time_ms) / 1000}`);
  const list = join(folder, 'frames.txt');
  writeFileSync(list, `${lines.join('\n')}\n`);
  spawnSync('ffmpeg', ['-y', '-loglevel', 'error', '-f', 'concat', '-safe', '0', '-i', list, '-vf', 'fps=12', '-c:v', 'libvpx', '-b:v', '1M', '-deadline', 'realtime',
    '-cpu-used', '8', join(folder, 'tour.webm')], { stdio: ['ignore', 'inherit', 'inherit'] });
}
