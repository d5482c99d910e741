// Debian's Chromium as the tests drive it, and what is watched while they do.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Contract } from '../api/contract.mjs';
import { haveTestData, testData } from './server.mjs';

const browserPath = process.env.FACEFORGE_CHROMIUM ?? '/usr/bin/chromium';

/** Why the tests skip; false where they do not. */
export const why = !haveTestData ? 'FACEFORGE_TEST_DATA is not there' : !existsSync(browserPath) ? 'there is no Chromium' : false;

/** A photo of somebody in LFW. */
export const photo = (person, number) => join(testData, 'lfw', person, `${person}_${String(number).padStart(4, '0')}.jpg`);

export const launch = (args = []) =>
  chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', ...args],
  });

/**
 * One JPEG of several photos beside each other, each `scale` times its size, drawn by the browser; on a canvas of
 * `width` x `height` where they are given.
 */
export async function sideBySide(browser, files, scale = 1, { width, height } = {}) {
  const sources = files.map((file) => `data:image/jpeg;base64,${readFileSync(file).toString('base64')}`);
  const page = await browser.newPage();
  const drawn = await page.evaluate(async ([images, scale, width, height]) => {
    const loaded = await Promise.all(
      images.map(async (source) => {
        const image = new Image();
        image.src = source;
        await image.decode();
        return image;
      }),
    );
    const wide = scale * loaded.reduce((sum, image) => sum + image.width, 0);
    const high = scale * Math.max(...loaded.map((image) => image.height));
    const canvas = document.createElement('canvas');
    canvas.width = width ?? wide;
    canvas.height = height ?? high;
    let x = (canvas.width - wide) / 2;
    for (const image of loaded) {
      canvas.getContext('2d').drawImage(image, x, (canvas.height - high) / 2, scale * image.width, scale * image.height);
      x += scale * image.width;
    }
    return canvas.toDataURL('image/jpeg', 0.95);
  }, [sources, scale, width, height]);
  await page.close();
  return Buffer.from(drawn.split(',')[1], 'base64');
}

/**
 * Shows photos of people to a gallery's live socket, at the pace of a camera: each until its face is decided, and then
 * nobody until its track has ended.
 *
 * in:     `page` that is signed in; `photos` [person, number]
 * out:    who each was taken for: a name, or the decision on it
 * errors: the socket ended, or answered a frame with an error
 */
export async function passBy(browser, page, gallery, photos) {
  const size = { width: 640, height: 480 };
  const empty = await sideBySide(browser, [], 1, size);
  const scenes = [];
  for (const [person, number] of photos) scenes.push(await sideBySide(browser, [photo(person, number)], 1.6, size));
  return page.evaluate(
    async ([id, scenes, empty]) => {
      const frame_ms = 40; // a socket that is sent far more frames a second than a camera gives is ended
      const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v1/galleries/${id}/live`);
      const message = () =>
        new Promise((resolve, reject) => {
          socket.onmessage = ({ data }) => {
            const answer = JSON.parse(data);
            if (answer.type === 'error') reject(new Error(data));
            else resolve(answer);
          };
          socket.onclose = ({ code, reason }) => reject(new Error(`the socket ended with ${code} ${reason}`));
        });
      await message();
      const show = async (picture) => {
        const pause = new Promise((resolve) => setTimeout(resolve, frame_ms));
        const answer = message();
        socket.send(new Blob([new Uint8Array(4), bytesOf(picture)]));
        await pause;
        return answer;
      };
      const decisions = [];
      for (const scene of scenes) {
        let faces = [];
        for (let looks = 0; looks < 12 && !['match', 'unknown'].includes(faces[0]?.decision); looks += 1) ({ faces } = await show(scene));
        decisions.push(faces[0]?.person ?? faces[0]?.decision);
        for (const until = Date.now() + 1_300; Date.now() < until; ) await show(empty);
      }
      socket.onclose = null;
      socket.close();
      return decisions;
    },
    [gallery, scenes.map((scene) => scene.toString('base64')), empty.toString('base64')],
  );
}

/**
 * Watches what a page logs, asks and is answered: every answer of the API is held against openapi.yaml, and nothing is
 * asked of another host.
 */
export function watch(page) {
  const contract = new Contract();
  const faults = [];
  const asked = [];
  const refused = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // A refused request is logged by the browser itself; `refusals` are those that were expected.
    if (message.type() === 'error' && !/status of (4\d\d)/.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    if (/^(http|ws)/.test(protocol) && hostname !== '127.0.0.1') faults.push(`asked ${hostname}`);
  });
  async function judge(response) {
    const { pathname, search } = new URL(response.url());
    const status = response.status();
    const method = response.request().method();
    if (status >= 400) refused.push(`${method} ${pathname} ${status}`);
    if (!pathname.startsWith('/api/')) return;
    const type = response.headers()['content-type'] ?? '';
    const body = type === 'application/json' ? await response.text().catch(() => null) : '';
    if (body === null) return; // the page was left before the answer was there
    for (const fault of contract.faults({ method, target: pathname + search, status, type, body })) {
      faults.push(`${method} ${pathname} ${status}: ${fault}`);
    }
  }
  page.on('response', (response) => asked.push(judge(response)));
  return {
    faults,
    /** Takes faults out that a test brought about. */
    forgive: (pattern) => faults.splice(0, faults.length, ...faults.filter((fault) => !pattern.test(fault))),
    /** Requests that were refused since the last time. */
    async refusals() {
      await page.waitForTimeout(100);
      await Promise.all(asked.splice(0));
      // A deletion that is sent while the page is left is sent again on the next: then the thing is gone already.
      return refused.splice(0).filter((refusal) => !/^DELETE .* 404$/.test(refusal));
    },
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core has to say against a page as it is shown now: rules and the elements that break them. */
export async function barriers(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    // Half way from light to dark, a button's ground stands behind the ink of the other.
    const fading = document.getAnimations().filter((animation) => animation.transitionProperty?.includes('color'));
    await Promise.allSettled(fading.map(({ finished }) => finished));
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: tags } });
    // A menu or a tooltip hangs where it is opened, in no landmark: it is left for what it belongs to.
    const floats = (id, node) => id === 'region' && node.html.includes('data-bits-floating');
    return violations
      .map(({ id, nodes }) => ({ id, elements: nodes.filter((node) => !floats(id, node)).map((node) => node.html.slice(0, 160)) }))
      .filter(({ elements }) => elements.length > 0)
      .map(({ id, elements }) => `${id}: ${elements.join(' | ')}`);
  });
}

/** A folder that pictures of the pages are kept in; none where nobody wants them. */
export const pictures = process.env.FACEFORGE_SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

/** Holds a page against axe-core and the width of the screen, in both colours and on both devices. */
export async function sweepPage(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [device, width, height] of [['desktop', 1280, 860], ['phone', 390, 844]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      if (pictures) await page.screenshot({ path: join(pictures, `${name}-${device}-${colorScheme}.png`), fullPage: true });
      const where = `${name}, ${device}, ${colorScheme}`;
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(overflow <= 0, `${where}: ${overflow} px too wide`);
      assert.deepEqual(await barriers(page), [], where);
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 1280, height: 860 });
}

/** A folder for a film of what a page shows, as frames; none where nobody wants it. */
const film = process.env.FACEFORGE_FILM;

/** Films a page where `FACEFORGE_FILM` names a folder. */
export async function filmed(page) {
  if (film) await filmTo(film, page);
}

/**
 * Writes each frame that a page shows to a folder, named by its time in milliseconds, and beside them the layout shifts:
 * what moved by itself, from where to where.
 *
 * in:     `size` of the frames at most
 * source: Layout Instability API (W3C); Chrome DevTools Protocol, Page.startScreencast
 */
export async function filmTo(folder, page, size = { width: 1280, height: 860 }) {
  mkdirSync(folder, { recursive: true });
  const begun_ms = Date.now();
  const log = join(folder, 'shifts.txt');
  writeFileSync(log, '');
  await page.exposeFunction('noteLayoutShift', (words) => appendFileSync(log, `${Date.now() - begun_ms} ${words}\n`));
  await page.addInitScript(() => {
    const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(',');
    const nameOf = (node) => `${node?.nodeName.toLowerCase()}.${node?.className ?? ''} “${(node?.textContent ?? '').trim().slice(0, 30)}”`;
    new PerformanceObserver((list) => {
      for (const shift of list.getEntries()) {
        const moved = shift.sources.map(({ node, previousRect, currentRect }) => `${nameOf(node)} ${place(previousRect)} to ${place(currentRect)}`);
        globalThis.noteLayoutShift(`${shift.value.toFixed(4)}${shift.hadRecentInput ? ' after input' : ''} ${location.pathname}${location.search}: ${moved.join('; ')}`);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
  const session = await page.context().newCDPSession(page);
  session.on('Page.screencastFrame', ({ data, sessionId }) => {
    writeFileSync(join(folder, `${String(Date.now() - begun_ms).padStart(7, '0')}.jpg`), Buffer.from(data, 'base64'));
    session.send('Page.screencastFrameAck', { sessionId }).catch(() => {}); // the page may be gone
  });
  await session.send('Page.startScreencast', { format: 'jpeg', quality: 70, maxWidth: size.width, maxHeight: size.height });
}
