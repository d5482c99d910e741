// The whole tour of a new user: sign up, a gallery, people, photos taken and refused, training, versions, verify,
// identify, the model as a file, and the account deleted. No page may be wider than a desktop or a phone. Set
// FACEFORGE_SCREENSHOTS to a folder to keep pictures of every page at both widths, FACEFORGE_FILM to one for every frame and
// what moved by itself, and FACEFORGE_TOUR_PACK to `npm` to tour with the pack that `./run` installs, made from npm packages
// alone.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { photosOf, png } from '../cli/faceforge.mjs';
import { filmed, launch, photo, sideBySide, watch, why } from './browser.mjs';
import { binary, root, startServer, testData } from './server.mjs';

const pictures = process.env.FACEFORGE_SCREENSHOTS;
const withNpmPack = process.env.FACEFORGE_TOUR_PACK === 'npm';
const npmPackages = join(root, 'packaging/npm/node_modules');
const people = ['Colin_Powell', 'Gerhard_Schroeder', 'Hugo_Chavez', 'Jean_Chretien', 'Serena_Williams', 'Vladimir_Putin',
  'Jennifer_Capriati', 'Bill_Clinton'];
let server;
let browser;
let page;
let scratch;
let watched;

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
  browser = await launch();
  page = await (await browser.newContext({ acceptDownloads: true })).newPage();
  page.setDefaultTimeout(15_000);
  watched = watch(page);
  await filmed(page);
});

/** A data folder with nothing but the pack made from npm packages, as `./run` makes it. */
function npmInstallation() {
  const data = join(scratch, 'data');
  execFileSync(binary, ['packs', 'install', 'faceapi', '--data', data, '--accept-licence', '--from', npmPackages]);
  return data;
}

/** Opens the menu beside a heading or on a card, and chooses from it. */
async function choose(deed, name = '') {
  await page.getByRole('button', { name: new RegExp(`^More for .*${name}`) }).first().click();
  await page.getByRole('menuitem', { name: deed }).click();
}

/** Makes a gallery and leaves its page open. */
async function makeGallery(name) {
  await page.goto(server.address);
  await page.getByRole('button', { name: /^(New gallery|Make the first one)$/ }).click();
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

/** Opens the page for one photo; the promise is the one that was chosen last. */
async function openIdentify() {
  await page.getByRole('link', { name: 'Identify' }).click();
  await page.getByRole('tab', { name: 'One photo', selected: true }).waitFor();
}

async function logOut() {
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
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
  await page.getByLabel('Password', { exact: true }).fill('password');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('alert').waitFor();
  assert.match(await page.getByRole('alert').innerText(), /attackers try first/);
  await page.getByLabel('Password', { exact: true }).fill('three red herons at dawn');
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await look('02-no-gallery');
  assert.deepEqual(await watched.refusals(), ['POST /api/v1/auth/signup 400']);
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
  await choose('Rename');
  await page.getByLabel('Name', { exact: true }).fill('World stage 🌍');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'World stage 🌍' }).waitFor();
  await page.goto(server.address);
  await page.getByRole('link', { name: /Spare/ }).click();
  await choose('Delete');
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await page.getByRole('link', { name: /World stage/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: /Spare/ }).count(), 0);
  await look('02d-undo');
});

test('a deletion can be undone for ten seconds, and whoever leaves the page means it', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: /Spare/ }).waitFor();
  const spare = new URL(await page.getByRole('link', { name: /Spare/ }).getAttribute('href'), server.address).pathname;
  const status = async () => (await page.request.get(`${server.address}/api/v1${spare}`)).status();
  await choose('Delete', 'Spare');
  await page.keyboard.press('Control+z');
  await page.getByRole('link', { name: /Spare/ }).waitFor();
  await choose('Delete', 'Spare');
  await page.getByText('is deleted.').waitFor();
  assert.equal(await status(), 200);
  await page.goto(`${server.address}/account`);
  for (let tries = 0; tries < 50 && (await status()) !== 404; ++tries) await page.waitForTimeout(100);
  assert.equal(await status(), 404);
  await page.goto(server.address);
  await page.getByRole('link', { name: /World stage/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: /Spare/ }).count(), 0);
});

test('people get photos, and each refusal says why', { skip: why }, async () => {
  const notes = join(scratch, 'notes.jpg');
  writeFileSync(notes, 'this is not a picture');
  const grey = join(scratch, 'grey.png');
  writeFileSync(grey, png(200, 200));
  const far = join(scratch, 'far.jpg'); // 40 pixels wide, with a face of half of that
  writeFileSync(far, await sideBySide(browser, [photo(people[0], 4)], 40 / 250));
  const two = join(scratch, 'two.jpg');
  writeFileSync(two, await sideBySide(browser, [photo(people[1], 1), photo(people[2], 1)]));
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
      await page.getByRole('link', { name: /It is one of .*Colin Powell.*photos/ }).waitFor();
      await page.getByText('Not an image').waitFor();
      await page.getByText('Several faces').waitFor();
      await page.getByText('notes.jpg', { exact: true }).waitFor();
      await page.getByText('No face', { exact: true }).waitFor();
      await page.getByText('Face too small', { exact: true }).waitFor();
      const taken = page.locator('figure').filter({ has: page.getByText('added', { exact: true }) });
      const kept = page.locator('.list figure');
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
  await page.getByRole('link', { name: 'Train', exact: true }).click();
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
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Hugo Chavez' });
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 5));
  await page.getByRole('heading', { name: 'Yes, this is Hugo Chavez.' }).waitFor();
  await look('06-verify');
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Colin Powell' });
  await page.getByRole('heading', { name: /No: this is not Colin Powell/ }).waitFor();
});

test('an answer that comes late does not take the place of a newer one', { skip: why }, async () => {
  let release = await holdFirst('**/verify?*');
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Hugo Chavez' });
  await page.getByText('Sending…').first().waitFor(); // it is held before it leaves the browser
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Colin Powell' });
  await page.getByRole('heading', { name: /No: this is not Colin Powell/ }).waitFor();
  await release();
  assert.match(await page.locator('.result h2').innerText(), /not Colin Powell/);

  await openIdentify();
  release = await holdFirst('**/identify?*');
  await page.locator('input[type=file]').setInputFiles(photo('Serena_Williams', 6));
  await page.getByText('Sending…').first().waitFor();
  await page.getByRole('radio', { name: '1 in 1,000' }).click();
  await page.getByText(/stranger’s does 1 in 1,000 times at most, for any\s+of 8 people/).waitFor();
  const strict = await page.getByText(/match from/).innerText();
  await release();
  assert.equal(await page.getByText(/match from/).innerText(), strict);

  // A question underway is asked again, and the old answer is not shown under the new rate meanwhile.
  release = await holdFirst('**/identify?*');
  await page.getByRole('radio', { name: '1 in 10', exact: true }).click();
  await page.getByText('Sending…').first().waitFor();
  assert.equal(await page.getByText(/match from/).count(), 0);
  await release();
  await page.getByText(/stranger’s does 1 in 10 times/).waitFor();
  await page.getByRole('link', { name: 'Verify' }).click();
});

test('of several faces the one that is meant is compared', { skip: why }, async () => {
  // Hugo Chavez beside Serena Williams, side by side in one picture.
  const both = join(scratch, 'both.jpg');
  writeFileSync(both, await sideBySide(browser, [photo('Hugo_Chavez', 5), photo('Serena_Williams', 6)]));
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Hugo Chavez' });
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
  await page.reload();
  await page.getByText('Face 2 is compared').waitFor();
  await page.locator('.result h2').waitFor();
  assert.equal(await page.locator('.result h2').innerText(), verdicts[1]);
  assert.deepEqual(await watched.refusals(), ['POST /api/v1/galleries/2/verify 400']);
});

test('faces are identified, and a stranger is unknown', { skip: why }, async () => {
  await openIdentify();
  await page.getByRole('radio', { name: '1 in 100', exact: true }).click();
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

test('fifty photos are taken at once, also when the page is loaded again meanwhile', { skip: why }, async () => {
  await makeGallery('One man, two names');
  await addPerson('Everyone');
  const many = people.flatMap((person) => photosOf(person).map((name) => join(testData, 'lfw', person, name)));
  await page.locator('input[type=file]').setInputFiles(many.slice(0, 50));
  await page.getByText(/[1-9]\d* of 50 photos done/).first().waitFor({ timeout: 60_000 });
  await page.reload();
  await page.getByText(/\d+ of \d+ photos done/).first().waitFor();
  await page.getByText(/^\d+ photos were added/).waitFor({ timeout: 120_000 });
  const refused = await page.locator('.badge.bad').count();
  const taken = 50 - refused;
  await page.getByRole('heading', { name: `${taken} photos`, exact: true }).waitFor();
  assert.equal(await page.getByText('Already there').count(), 0, 'none was sent twice');
  assert.ok(taken >= 35, `${taken} taken. Of some of these photos LFW shows several people.`);
  await page.locator('.list figure').nth(taken - 1).waitFor();
  assert.equal(await page.locator('.list figure').count(), taken);
});

test('a person is renamed, loses a photo, and is deleted', { skip: why }, async () => {
  const kept = page.locator('.list figure');
  const count = await kept.count();
  const first = await kept.first().locator('img').getAttribute('src');
  await kept.first().getByRole('button', { name: /^Delete/ }).click();
  await page.getByRole('heading', { name: `${count - 1} photos`, exact: true }).waitFor();
  assert.equal(await kept.locator(`img[src="${first}"]`).count(), 0);
  await page.getByRole('button', { name: 'Undo' }).waitFor({ state: 'detached' });
  assert.equal((await page.request.get(new URL(first, server.address).href)).status(), 404);

  await choose('Rename');
  await page.getByLabel('Name', { exact: true }).fill('All of them');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { name: 'All of them', exact: true }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'All of them', exact: true }).waitFor();

  await choose('Delete');
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
  await openIdentify();
  await page.locator('input[type=file]').setInputFiles(photo('Colin_Powell', 9));
  const face = page.locator('.face.ambiguous');
  await face.getByText('Not sure').waitFor();
  await face.getByText('nearest', { exact: true }).waitFor();
  for (const name of ['Colin Powell', 'General Powell']) await face.getByText(name).waitFor();
  assert.equal(await page.locator('.mark.ambiguous').count(), 1);
  assert.match(await page.locator('.photo .label').innerText(), /^1\s*(Colin|General) Powell\?$/);
  assert.equal(await page.locator('.badge.match').count(), 0);
  await look('08a-ambiguous');

  await choose('Delete');
  await page.getByRole('link', { name: /World stage/ }).click();
  await page.getByText('8 people').first().waitFor();
  assert.deepEqual(await watched.refusals(), []);
});

test('a version that photos were added to since says so, and a training names what it left out', { skip: why }, async () => {
  await page.getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('link', { name: /Hugo Chavez/ }).click();
  await page.getByRole('heading', { name: 'Hugo Chavez', exact: true }).waitFor();
  await page.locator('input[type=file]').setInputFiles(photo('Aaron_Peirsol', 1));
  await page.getByText('1 photo was added.').waitFor();
  await page.getByText('not trained yet').waitFor();
  await page.getByRole('main').getByRole('link', { name: 'People', exact: true }).click();
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
  await page.getByRole('main').getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('link', { name: 'Train', exact: true }).click();
  await page.getByRole('button', { name: 'Train again' }).click();
  await page.getByText('Trained. Version 3 is in use now.').waitFor({ timeout: 60_000 });
  await page.getByRole('article').filter({ hasText: 'Version 3' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete the version' }).click();
  await page.getByText('Version 2 is in use').waitFor();
  assert.equal(await page.getByText(/^Trained\./).count(), 0);
});

test('an error goes once the page could be read', { skip: why }, async () => {
  const gallery = page.url().split('?')[0];
  await page.getByRole('link', { name: 'People', exact: true }).click();
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
  watched.forgive(/ERR_FAILED/);
  await page.goto(gallery);
});

test('a photo on its way shows how much of it has been sent', { skip: why }, async () => {
  const wide = join(scratch, 'wide.jpg');
  writeFileSync(wide, await sideBySide(browser, [1, 2, 3, 4, 5, 6].map((number) => photo('Serena_Williams', number))));
  await openIdentify();
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  const speed = { offline: false, latency: 0, downloadThroughput: -1 };
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: 60_000 });
  await page.locator('input[type=file]').setInputFiles(wide);
  await page.getByText('Sending…').first().waitFor();
  const bar = page.getByRole('progressbar', { name: 'Sending' });
  const parts = new Set();
  while ((await page.getByText('Sending…').count()) > 0) {
    parts.add(await bar.getAttribute('aria-valuenow', { timeout: 1000 }).then(Number, () => 1));
    await page.waitForTimeout(100);
  }
  assert.ok([...parts].some((part) => part > 0.05 && part < 0.95), `seen: ${[...parts].join(' ')}`);
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: -1 });
  await page.getByText(/\d+ faces found/).waitFor({ timeout: 60_000 });
  await network.detach();
  await page.getByRole('link', { name: 'People', exact: true }).click();
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
  await openIdentify();
  await ended;
  await page.unroute('**/jobs/*/events');
  await page.getByRole('link', { name: 'People', exact: true }).click();
  await page.getByText('8 people').first().waitFor();
});

test('a log-out that fails says so', { skip: why }, async () => {
  const gallery = page.url();
  await page.route('**/auth/logout', (route) => route.abort());
  await logOut();
  await page.getByText('You are still logged in: The server cannot be reached.').waitFor();
  await page.unroute('**/auth/logout');
  watched.forgive(/ERR_FAILED/);
  await logOut();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  assert.equal(await page.getByRole('alert').count(), 0);
  await page.getByLabel('Password', { exact: true }).fill('three red herons at dawn');
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
  assert.deepEqual((await watched.refusals()).sort(), [
    'GET /api/v1/galleries/2/people/999 404', 'GET /api/v1/galleries/2/people/999/photos 404',
    'GET /api/v1/galleries/999 404',
  ]);
});

test('the account is deleted with everything in it', { skip: why }, async () => {
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await page.getByRole('menuitem', { name: 'Account' }).click();
  await page.getByRole('heading', { name: 'ada' }).waitFor();
  await look('09-account');
  await page.getByRole('button', { name: 'Delete my account' }).click();
  const sure = page.getByRole('button', { name: 'Delete for good' });
  await page.getByLabel('Your password').fill('three red herons at dawn');
  assert.ok(await sure.isDisabled());
  await page.getByLabel(/^Type .*ada.* to show/).fill('ada');
  await sure.click();
  await page.getByText('The account and everything in it are deleted.').waitFor();
  assert.deepEqual(await watched.refusals(), []);
  assert.deepEqual(watched.faults, [], 'the pages logged errors');
});
