// The whole tour of a new user: sign up, a gallery, people, photos taken and refused, training, versions, verify,
// identify, the model as a file, and the account deleted. No page may be wider than a desktop or a phone. Set
// FACEFORGE_SCREENSHOTS to a folder to keep pictures of every page at both widths, and FACEFORGE_TOUR_PACK to `npm` to
// tour with the pack that `./run` installs, made from npm packages alone.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { Contract } from '../api/contract.mjs';
import { photosOf, png } from '../cli/faceforge.mjs';
import { binary, haveTestData, root, startServer, testData } from './server.mjs';

const browserPath = process.env.FACEFORGE_CHROMIUM ?? '/usr/bin/chromium';
const why = !haveTestData ? 'FACEFORGE_TEST_DATA is not there' : !existsSync(browserPath) ? 'there is no Chromium' : false;
const pictures = process.env.FACEFORGE_SCREENSHOTS;
const withNpmPack = process.env.FACEFORGE_TOUR_PACK === 'npm';
const npmPackages = join(root, 'packaging/npm/node_modules');
const people = ['Colin_Powell', 'Gerhard_Schroeder', 'Hugo_Chavez', 'Jean_Chretien', 'Serena_Williams', 'Vladimir_Putin',
  'Jennifer_Capriati', 'Bill_Clinton'];
const photo = (person, number) => join(testData, 'lfw', person, `${person}_${String(number).padStart(4, '0')}.jpg`);

let server;
let browser;
let page;
let scratch;

/** Holds the page against the width of a desktop and of a phone, and keeps pictures of it where they are wanted. */
async function look(name) {
  for (const [device, width, height] of [['desktop', 1280, 860], ['phone', 390, 844]]) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(150);
    if (pictures) await page.screenshot({ path: join(pictures, `${name}-${device}.png`), fullPage: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${name} is ${overflow} px wider than a ${device}`);
  }
  await page.setViewportSize({ width: 1280, height: 860 });
}

before(async () => {
  if (why) return;
  scratch = mkdtempSync(join(tmpdir(), 'faceforge-tour-'));
  if (pictures) mkdirSync(pictures, { recursive: true });
  server = await (withNpmPack ? startServer({ data: npmInstallation(), packs: '' }) : startServer());
  browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  page = await (await browser.newContext({ acceptDownloads: true })).newPage();
  page.setDefaultTimeout(15_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // A refused request is logged by the browser itself; `refusals` below are those that were expected.
    if (message.type() === 'error' && !/status of (4\d\d)/.test(message.text())) faults.push(message.text());
  });
  page.on('response', (response) => asked.push(judge(response)));
  page.faults = faults;
});

/** A data folder with nothing but the pack made from npm packages, as `./run` makes it. */
function npmInstallation() {
  const data = join(scratch, 'data');
  execFileSync(binary, ['packs', 'install', 'faceapi', '--data', data, '--accept-licence', '--from', npmPackages]);
  return data;
}

/** One JPEG of several photos beside each other, each `scale` times its size, drawn by the browser. */
async function sideBySide(files, scale = 1) {
  const sources = files.map((file) => `data:image/jpeg;base64,${readFileSync(file).toString('base64')}`);
  const drawn = await (await browser.newPage()).evaluate(async ([images, scale]) => {
    const loaded = await Promise.all(
      images.map(async (source) => {
        const image = new Image();
        image.src = source;
        await image.decode();
        return image;
      }),
    );
    const canvas = document.createElement('canvas');
    canvas.width = scale * loaded.reduce((sum, image) => sum + image.width, 0);
    canvas.height = scale * Math.max(...loaded.map((image) => image.height));
    let x = 0;
    for (const image of loaded) {
      canvas.getContext('2d').drawImage(image, x, 0, scale * image.width, scale * image.height);
      x += scale * image.width;
    }
    return canvas.toDataURL('image/jpeg', 0.95);
  }, [sources, scale]);
  return Buffer.from(drawn.split(',')[1], 'base64');
}

/** Every answer of the API is held against openapi.yaml; those of 400 and above are collected by test. */
const contract = new Contract();
const asked = [];
const refusals = [];
async function judge(response) {
  const { pathname, search } = new URL(response.url());
  const status = response.status();
  const method = response.request().method();
  if (status >= 400) refusals.push(`${method} ${pathname} ${status}`);
  if (!pathname.startsWith('/api/')) return;
  const type = response.headers()['content-type'] ?? '';
  const body = type === 'application/json' ? await response.text().catch(() => null) : '';
  if (body === null) return; // the page was left before the answer was there
  for (const fault of contract.faults({ method, target: pathname + search, status, type, body })) {
    page.faults.push(`${method} ${pathname} ${status}: ${fault}`);
  }
}

/** Makes a gallery and leaves its page open. */
async function makeGallery(name) {
  await page.goto(server.address);
  await page.getByRole('button', { name: 'New gallery' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name }).waitFor();
}

/** Makes a person in the gallery whose page is open, and leaves their page open. */
async function addPerson(name) {
  await page.getByRole('button', { name: 'Add a person' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Add' }).click();
  await page.getByRole('heading', { name, exact: true }).waitFor();
}

/** LFW has the face that a photo is named for in its middle, about four tenths as wide as the photo. */
async function expectMarkOnTheFace(figure) {
  const mark = figure.locator('.mark');
  assert.equal(await mark.count(), 1);
  const [whole, marked] = [await figure.locator('.photo').boundingBox(), await mark.boundingBox()];
  const centre = (box) => [box.x + box.width / 2, box.y + box.height / 2];
  const away = Math.hypot(...centre(whole).map((at, axis) => at - centre(marked)[axis])) / whole.width;
  assert.ok(away < 0.1, `the mark is ${away} of the photo's width away from the face`);
  const width = marked.width / whole.width;
  assert.ok(width > 0.25 && width < 0.65, `the mark is ${width} of the photo wide`);
}

/** Tells whether the browser has got a picture and could read it. */
const isShown = (image) => image.evaluate((shown) => shown.decode().then(() => shown.naturalWidth > 0, () => false));

/** Holds back the first request to such an address until the function that this gives is called; later ones pass. */
async function holdFirst(pattern) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  let isFirst = true;
  await page.route(pattern, async (route) => {
    if (isFirst) {
      isFirst = false;
      await released;
    }
    await route.continue().catch(() => {}); // the page may have given the request up
  });
  return async () => {
    release();
    await page.waitForTimeout(500);
    await page.unroute(pattern);
  };
}

async function refusalsSoFar() {
  await page.waitForTimeout(100);
  await Promise.all(asked.splice(0));
  return refusals.splice(0);
}

after(async () => {
  await browser?.close();
  await server?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

test('a visitor signs up', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await look('01-front');
  await page.getByRole('button', { name: /make an account/i }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').innerText(), /attackers try first/);
  await page.getByLabel('Password').fill('three red herons at dawn');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await look('02-no-gallery');
  assert.deepEqual(await refusalsSoFar(), ['POST /api/v1/auth/signup 400']);
});

test('whoever can install a better pack is told of it, until they dismiss it', { skip: why }, async () => {
  const hint = page.getByRole('complementary', { name: 'A better model pack' });
  if (!withNpmPack) {
    await page.getByRole('button', { name: 'Make the first one' }).waitFor();
    await page.waitForTimeout(500);
    assert.equal(await hint.count(), 0, 'the best pack is in use');
    return;
  }
  await hint.getByText(/faceapi.*retinaface-mbf/).waitFor();
  await look('02b-pack-hint');
  await hint.getByText('How to install one').click();
  await hint.getByText('faceforge packs install buffalo_l').waitFor();
  await look('02c-pack-hint-open');
  await hint.getByRole('button', { name: 'Dismiss this hint' }).click();
  await page.reload();
  await page.getByRole('button', { name: 'Make the first one' }).waitFor();
  await page.waitForTimeout(500);
  assert.equal(await hint.count(), 0);
});

test('a gallery is made, renamed, and another deleted', { skip: why }, async () => {
  for (const name of ['Spare', 'Team']) await makeGallery(name);
  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('World stage 🌍');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'World stage 🌍' }).waitFor();
  await page.goto(server.address);
  await page.getByRole('link', { name: /Spare/ }).click();
  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the gallery' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await page.getByRole('link', { name: /World stage/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: /Spare/ }).count(), 0);
});

test('people get photos, and each refusal says why', { skip: why }, async () => {
  const notes = join(scratch, 'notes.jpg');
  writeFileSync(notes, 'this is not a picture');
  const grey = join(scratch, 'grey.png');
  writeFileSync(grey, png(200, 200));
  const far = join(scratch, 'far.jpg'); // 40 pixels wide, with a face of half of that
  writeFileSync(far, await sideBySide([photo(people[0], 4)], 40 / 250));
  const two = join(scratch, 'two.jpg');
  writeFileSync(two, await sideBySide([photo(people[1], 1), photo(people[2], 1)]));
  for (const [index, person] of people.entries()) {
    await page.goto(server.address);
    await page.getByRole('link', { name: /World stage/ }).click();
    await addPerson(person.replaceAll('_', ' '));
    const photos = [1, 2, 3].map((number) => photo(person, number));
    const files = index === 0 ? [...photos, photos[0], notes, two, grey, far] : photos;
    await page.locator('input[type=file]').setInputFiles(files);
    const told = index === 0 ? '3 photos were added, 5 refused.' : '3 photos were added.';
    await page.getByText(told).waitFor({ timeout: 60_000 });
    if (index === 0) {
      await page.getByText('Already there').waitFor();
      await page.getByText('Not an image').waitFor();
      await page.getByText('Several faces').waitFor();
      await page.getByText('notes.jpg', { exact: true }).waitFor();
      await page.getByText('No face', { exact: true }).waitFor();
      await page.getByText('Face too small', { exact: true }).waitFor();
      const taken = page.locator('figure').filter({ hasText: 'added' });
      const kept = page.locator('.grid.photos figure');
      for (const figures of [taken, kept]) {
        await figures.nth(2).waitFor();
        assert.equal(await figures.count(), 3);
        for (const figure of await figures.all()) await expectMarkOnTheFace(figure);
      }
      for (const [title, marks] of [['Several faces', 2], ['Face too small', 1], ['No face', 0], ['Not an image', 0]]) {
        const refused = page.locator('figure').filter({ has: page.getByText(title, { exact: true }) });
        assert.equal(await refused.locator('.mark.bad').count(), marks, title);
      }
      await look('03-photos-judged');
    }
  }
  await page.goto(server.address);
  await page.getByRole('link', { name: /World stage/ }).click();
  await page.getByText('8 people').waitFor();
  await look('04-people');
});

test('training makes a version that can be downloaded', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page.getByText('Trained. Version 1 is in use now.').waitFor({ timeout: 60_000 });
  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('heading', { name: 'Version 1' }).waitFor();
  await page.getByText(/8 people,\s+2[34] photos/).first().waitFor();
  await look('05-versions');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download model' }).click(),
  ]);
  const file = join(scratch, 'model.ffg');
  await download.saveAs(file);
  assert.equal(readFileSync(file).subarray(0, 2).toString(), 'PK');
  assert.match(download.suggestedFilename(), /\.ffg$/);
});

test('a photo is verified against its person and against another', { skip: why }, async () => {
  await page.getByRole('link', { name: 'Verify' }).click();
  await page.getByLabel('Is it').selectOption({ label: 'Hugo Chavez' });
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 5));
  await page.getByRole('heading', { name: 'Yes, this is Hugo Chavez.' }).waitFor();
  await look('06-verify');
  await page.getByLabel('Is it').selectOption({ label: 'Colin Powell' });
  await page.getByRole('heading', { name: /No: this is not Colin Powell/ }).waitFor();
});

test('an answer that comes late does not take the place of a newer one', { skip: why }, async () => {
  let release = await holdFirst('**/verify?*');
  await page.getByLabel('Is it').selectOption({ label: 'Hugo Chavez' });
  await page.getByText('Sending…').waitFor(); // it is held before it leaves the browser
  await page.getByLabel('Is it').selectOption({ label: 'Colin Powell' });
  await page.getByRole('heading', { name: /No: this is not Colin Powell/ }).waitFor();
  await release();
  assert.match(await page.locator('.result h2').innerText(), /not Colin Powell/);

  await page.getByRole('link', { name: 'Identify' }).click();
  release = await holdFirst('**/identify?*');
  await page.locator('input[type=file]').setInputFiles(photo('Serena_Williams', 6));
  await page.getByText('Sending…').waitFor();
  await page.getByRole('radio', { name: '1 in 1,000' }).click();
  await page.getByText(/stranger's does 1 in 1,000 times at most, for any\s+of 8 people/).waitFor();
  const strict = await page.getByText(/match from/).innerText();
  await release();
  assert.equal(await page.getByText(/match from/).innerText(), strict);

  // A question underway is asked again, and the old answer is not shown under the new rate meanwhile.
  release = await holdFirst('**/identify?*');
  await page.getByRole('radio', { name: '1 in 10', exact: true }).click();
  await page.getByText('Sending…').waitFor();
  assert.equal(await page.getByText(/match from/).count(), 0);
  await release();
  await page.getByText(/stranger's does 1 in 10 times/).waitFor();
  await page.getByRole('link', { name: 'Verify' }).click();
});

test('of several faces the one that is meant is compared', { skip: why }, async () => {
  // Hugo Chavez beside Serena Williams, side by side in one picture.
  const both = join(scratch, 'both.jpg');
  writeFileSync(both, await sideBySide([photo('Hugo_Chavez', 5), photo('Serena_Williams', 6)]));
  await page.getByLabel('Is it').selectOption({ label: 'Hugo Chavez' });
  await page.locator('input[type=file]').setInputFiles(both);
  await page.getByText('2 faces are in this photo. Choose the one you mean.').waitFor();
  const verdicts = [];
  for (const face of [1, 2]) {
    await page.getByRole('button', { name: `Face ${face}` }).click();
    await page.getByText(`Face ${face} is compared`).waitFor();
    verdicts.push(await page.locator('.result h2').innerText());
  }
  assert.deepEqual(verdicts.map((words) => words.split(/[ ,:]/)[0]).sort(), ['No', 'Yes']);
  await look('06b-several');
  assert.deepEqual(await refusalsSoFar(), ['POST /api/v1/galleries/2/verify 400']);
});

test('faces are identified, and a stranger is unknown', { skip: why }, async () => {
  await page.getByRole('link', { name: 'Identify' }).click();
  await page.locator('input[type=file]').setInputFiles(photo('Serena_Williams', 6));
  await page.locator('.badge.match').first().waitFor();
  await page.getByText('Serena Williams').first().waitFor();
  const known = (await (await page.request.get(`${server.address}/api/v1/galleries/2/people`)).json()).people;
  const { id } = known.find((person) => person.name === 'Serena Williams');
  const pair = page.locator('.face.match').getByRole('button', { name: /^Show face/ });
  await pair.getByText('enrolled').waitFor();
  const enrolled = pair.locator('.nearest img');
  assert.match(await enrolled.getAttribute('src'), new RegExp(`/galleries/2/people/${id}/photos/\\d+/crop`));
  for (const face of [enrolled, pair.locator('.crop img')]) assert.ok(await isShown(face));
  await look('07-identify');
  await page.locator('input[type=file]').setInputFiles(photo('Aaron_Peirsol', 1));
  await page.locator('.badge.unknown').first().waitFor();
  await pair.first().waitFor({ state: 'detached' });
  await page.locator('.face.unknown').getByText('nearest', { exact: true }).first().waitFor();
  await look('08-stranger');
});

test('fifty photos are taken at once, and not one more', { skip: why }, async () => {
  await makeGallery('One man, two names');
  await addPerson('Everyone');
  const many = people.flatMap((person) => photosOf(person).map((name) => join(testData, 'lfw', person, name)));
  await page.locator('input[type=file]').setInputFiles(many.slice(0, 51));
  await page.getByText('51 photos; the limit is 50 at once.').waitFor();
  await page.locator('input[type=file]').setInputFiles(many.slice(0, 50));
  await page.getByText(/ of 50 photos done/).waitFor();
  await page.getByText(/^\d+ photos were added/).waitFor({ timeout: 120_000 });
  const verdict = await page.getByText(/^\d+ photos were added/).innerText();
  const [taken, refused] = verdict.match(/\d+/g).map(Number);
  assert.equal(taken + (refused ?? 0), 50, verdict);
  assert.ok(taken >= 35, `${verdict} Of some of these photos LFW shows several people.`);
  await page.getByRole('heading', { name: `${taken} photos`, exact: true }).waitFor();
  assert.equal(await page.locator('.grid.photos figure').count(), taken);
});

test('a person is renamed, loses a photo, and is deleted', { skip: why }, async () => {
  const kept = page.locator('.grid.photos figure');
  const count = await kept.count();
  const first = await kept.first().locator('img').getAttribute('src');
  await kept.first().getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await kept.first().getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the photo' }).click();
  await page.getByRole('heading', { name: `${count - 1} photos`, exact: true }).waitFor();
  assert.equal(await kept.locator(`img[src="${first}"]`).count(), 0);
  assert.equal((await page.request.get(new URL(first, server.address).href)).status(), 404);

  await page.getByRole('button', { name: 'Rename' }).click();
  await page.getByLabel('Name', { exact: true }).fill('All of them');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'All of them', exact: true }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'All of them', exact: true }).waitFor();

  await page.locator('.deeds').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the person' }).click();
  await page.getByText('0 people').first().waitFor();
  assert.equal(await page.getByRole('link', { name: /All of them|Everyone/ }).count(), 0);
});

test('a face that is like two people is named for neither', { skip: why }, async () => {
  const gallery = page.url();
  for (const [name, numbers] of [['Colin Powell', [1, 2, 3, 4]], ['General Powell', [5, 6, 7, 8]]]) {
    await page.goto(gallery);
    await addPerson(name);
    await page.locator('input[type=file]').setInputFiles(numbers.map((number) => photo('Colin_Powell', number)));
    await page.getByText('4 photos were added.').waitFor({ timeout: 60_000 });
  }
  await page.goto(gallery);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page.getByText('Trained. Version 1 is in use now.').waitFor({ timeout: 60_000 });
  await page.getByRole('link', { name: 'Identify' }).click();
  await page.locator('input[type=file]').setInputFiles(photo('Colin_Powell', 9));
  const face = page.locator('.face.ambiguous');
  await face.getByText('Not sure').waitFor();
  await face.getByText('nearest', { exact: true }).waitFor();
  for (const name of ['Colin Powell', 'General Powell']) await face.getByText(name).waitFor();
  assert.match(await page.locator('.mark.ambiguous').innerText(), /^1\s*(Colin|General) Powell\?$/);
  assert.equal(await page.locator('.badge.match').count(), 0);
  await look('08a-ambiguous');

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the gallery' }).click();
  await page.getByRole('link', { name: /World stage/ }).click();
  await page.getByText('8 people').first().waitFor();
  assert.deepEqual(await refusalsSoFar(), []);
});

test('a version that photos were added to since says so, and a training names what it left out', { skip: why }, async () => {
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('link', { name: /Hugo Chavez/ }).click();
  await page.locator('input[type=file]').setInputFiles(photo('Aaron_Peirsol', 1));
  await page.getByText('1 photo was added.').waitFor();
  await page.getByText('not trained yet').waitFor();
  await page.getByRole('link', { name: '← People' }).click();
  await page.getByText('1 photo was added since: train again to use it.').waitFor();
  await page.getByRole('button', { name: 'Train again' }).click();
  await page.getByText('Trained. Version 2 is in use now.').waitFor({ timeout: 60_000 });
  await page.getByText('Aaron_Peirsol_0001.jpg').waitFor();
  assert.equal(await page.getByText('out of date').count(), 0);
  await look('08b-left-out');
  await page.getByRole('link', { name: /Aaron_Peirsol_0001.jpg/ }).click();
  await page.getByText('not like the other photos of this person').waitFor();
  await look('08c-left-out-person');
});

test('the note on a training goes with its version', { skip: why }, async () => {
  await page.getByRole('link', { name: '← People' }).click();
  await page.getByRole('link', { name: 'Versions' }).click();
  await page.getByRole('button', { name: 'Train again' }).click();
  await page.getByText('Trained. Version 3 is in use now.').waitFor({ timeout: 60_000 });
  await page.getByRole('article').filter({ hasText: 'Version 3' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the version' }).click();
  await page.getByText('Version 2 is in use').waitFor();
  assert.equal(await page.getByText(/^Trained\./).count(), 0);
});

test('an error goes once the page could be read', { skip: why }, async () => {
  const gallery = page.url().split('?')[0];
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('link', { name: /Hugo Chavez 4 photos/ }).click();
  await page.getByRole('heading', { name: '4 photos' }).waitFor();
  await page.route('**/photos?*', (route) => route.abort());
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 4));
  await page.getByText('The server cannot be reached.').waitFor();
  await page.unroute('**/photos?*');
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 6));
  await page.getByRole('heading', { name: '6 photos' }).waitFor();
  await page.getByText('not trained yet').last().waitFor();
  await page.getByRole('alert').waitFor({ state: 'detached' });
  page.faults = page.faults.filter((fault) => !/ERR_FAILED/.test(fault));
  await page.goto(gallery);
});

test('a photo on its way shows how much of it has been sent', { skip: why }, async () => {
  const wide = join(scratch, 'wide.jpg');
  writeFileSync(wide, await sideBySide([1, 2, 3, 4, 5, 6].map((number) => photo('Serena_Williams', number))));
  await page.getByRole('link', { name: 'Identify' }).click();
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  const speed = { offline: false, latency: 0, downloadThroughput: -1 };
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: 60_000 });
  await page.locator('input[type=file]').setInputFiles(wide);
  await page.getByText('Sending…').waitFor();
  const bar = page.getByRole('progressbar', { name: 'Sending' });
  const parts = new Set();
  while ((await page.getByText('Sending…').count()) > 0) {
    parts.add(await bar.evaluate((shown) => shown.value).catch(() => 1));
    await page.waitForTimeout(100);
  }
  assert.ok([...parts].some((part) => part > 0.05 && part < 0.95), `seen: ${[...parts].join(' ')}`);
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: -1 });
  await page.getByText(/\d+ faces found/).waitFor({ timeout: 60_000 });
  await network.detach();
  await page.getByRole('link', { name: 'People' }).click();
});

test('a training that deletions disturb is tried again, and says so', { skip: why }, async () => {
  // The first training's end is told as the server tells it when photos are deleted during every attempt.
  let isFirst = true;
  await page.route('**/jobs/*/events', async (route) => {
    if (!isFirst) return route.continue();
    isFirst = false;
    const address = new URL(route.request().url()).pathname.replace(/\/events$/, '');
    let job;
    do job = await (await page.request.get(server.address + address)).json();
    while (job.state === 'queued' || job.state === 'running');
    const error = { code: 'conflict', reason: 'gallery_changing', message: 'photos were deleted meanwhile' };
    const told = { ...job, state: 'failed', result: null, error };
    return route.fulfill({ contentType: 'text/event-stream', body: `event: job\ndata: ${JSON.stringify(told)}\n\n` });
  });
  await page.getByRole('button', { name: 'Train again' }).click();
  await page.getByText('Photos were deleted during the training. Trying again').waitFor({ timeout: 60_000 });
  await page.getByText(/^Trained\. Version \d+ is in use now/).waitFor({ timeout: 60_000 });
  await page.unroute('**/jobs/*/events');
});

test('a page that goes away no longer follows the training', { skip: why }, async () => {
  let held;
  await page.route('**/jobs/*/events', (route) => (held = route));
  const ended = page.waitForEvent('requestfailed', (request) => /jobs\/\d+\/events$/.test(request.url()));
  await page.getByRole('button', { name: 'Train again' }).click();
  while (!held) await page.waitForTimeout(20);
  await page.getByRole('link', { name: 'Identify' }).click();
  await ended;
  await page.unroute('**/jobs/*/events');
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByText('8 people').first().waitFor();
});

test('a log-out that fails says so', { skip: why }, async () => {
  const gallery = page.url();
  await page.route('**/auth/logout', (route) => route.abort());
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('You are still logged in: The server cannot be reached.').waitFor();
  await page.unroute('**/auth/logout');
  page.faults = page.faults.filter((fault) => !/ERR_FAILED/.test(fault));
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  assert.equal(await page.getByRole('alert').count(), 0);
  await page.getByLabel('Password').fill('three red herons at dawn');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText('8 people').first().waitFor();
  await page.goto(gallery);
  await page.getByRole('heading', { name: 'World stage 🌍' }).waitFor();
});

test('an address with nothing behind it leads back', { skip: why }, async () => {
  const gallery = page.url().split('?')[0];
  for (const address of [`${server.address}/galleries/999`, `${server.address}/nowhere`, `${gallery}/people/999`]) {
    await page.goto(address);
    await page.getByRole('heading', { name: /does not exist/ }).waitFor();
    assert.match(await page.title(), /^Not found/);
  }
  await page.getByRole('link', { name: 'To the gallery' }).click();
  await page.getByRole('heading', { name: 'World stage 🌍' }).waitFor();
  await page.goto(`${gallery}?tab=toString`);
  await page.getByText('8 people').first().waitFor();
  assert.deepEqual((await refusalsSoFar()).sort(), [
    'GET /api/v1/galleries/2/people/999 404', 'GET /api/v1/galleries/2/people/999/photos 404',
    'GET /api/v1/galleries/999 404',
  ]);
});

test('the account is deleted with everything in it', { skip: why }, async () => {
  await page.getByRole('link', { name: 'ada' }).click();
  await page.getByRole('heading', { name: 'ada' }).waitFor();
  await look('09-account');
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await page.getByLabel('Your password').fill('three red herons at dawn');
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('The account and everything in it are deleted.').waitFor();
  assert.deepEqual(await refusalsSoFar(), []);
  assert.deepEqual(page.faults, [], 'the pages logged errors');
});
