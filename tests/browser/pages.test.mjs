// What the pages promise beyond the tour: no barriers on any page, in light and dark, on a desktop and a phone; all of it
// by keyboard; many people at once, also over a server that is killed meanwhile; moves, merges and splits that can be
// undone; many photos asked about; photos by webcam. FACEFORGE_SCREENSHOTS names a folder for pictures of every page.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from '../../web/node_modules/fflate/esm/index.mjs';
import { launch, photo, pictures, sideBySide, sweepPage, watch, why } from './browser.mjs';
import { startServer } from './server.mjs';

const people = ['Colin_Powell', 'Gerhard_Schroeder', 'Hugo_Chavez', 'Jean_Chretien', 'Serena_Williams'];
const password = 'three red herons at dawn';

let server;
let browser;
let page;
let watched;
let scratch;
let testCount = 0;

const sweep = (name) => sweepPage(page, name);
const tab = (name) => page.getByRole('navigation').getByRole('link', { name, exact: true });

async function choose(deed, name = '') {
  await page.getByRole('button', { name: new RegExp(`^More for .*${name}`) }).first().click();
  await page.getByRole('menuitem', { name: deed }).click();
}

async function read(path) {
  return (await page.request.get(`${server.address}/api/v1${path}`)).json();
}

/** Of several photos the one whose face is turned the least, as the server sees it. */
async function mostFrontal(files) {
  const asked = await browser.newPage();
  const api = `${server.address}/api/v1`;
  const signUp = await asked.request.post(`${api}/auth/signup`, { headers: { Origin: server.address }, data: { name: 'probe', password } });
  const headers = { 'X-CSRF-Token': (await signUp.json()).csrf_token, Origin: server.address };
  const turns = [];
  for (const file of files) {
    const sent = { name: 'a.jpg', mimeType: 'image/jpeg', buffer: readFileSync(file) };
    const { faces } = await (await asked.request.post(`${api}/detect`, { headers, multipart: { photo: sent } })).json();
    turns.push({ file, turn: faces.length === 1 ? Math.abs(faces[0].quality.yaw_deg) : Infinity });
  }
  await asked.close();
  return turns.sort((a, b) => a.turn - b.turn)[0].file;
}

before(async () => {
  if (why) return;
  scratch = mkdtempSync(join(tmpdir(), 'faceforge-pages-'));
  server = await startServer({ data: join(scratch, 'data') });
  browser = await launch();
  // The webcam shows somebody who looks straight into it: a stream of one JPEG again and again.
  const straight = await mostFrontal(people.flatMap((person) => [1, 2, 3].map((number) => photo(person, number))));
  const still = await sideBySide(browser, [straight], 2, { width: 640, height: 480 });
  const film = join(scratch, 'webcam.mjpeg');
  writeFileSync(film, Buffer.concat(Array(30).fill(still)));
  await browser.close();
  browser = await launch(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`]);
  page = await (await browser.newContext({ acceptDownloads: true, permissions: ['camera'] })).newPage();
  page.setDefaultTimeout(15_000);
  watched = watch(page);
});

afterEach(async () => {
  if (pictures) await page.screenshot({ path: join(pictures, `after-${++testCount}.png`) });
});

after(async () => {
  await browser?.close();
  await server?.stop();
  if (scratch) rmSync(scratch, { recursive: true, force: true });
});

test('whoever has no mouse signs up, makes a gallery and a person, and comes back', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await sweep('01-front');
  /** Goes on by Tab until something of this name has the focus, and says that it can be seen to have it. */
  const reach = async (name) => {
    for (let presses = 0; presses < 60; ++presses) {
      await page.keyboard.press('Tab');
      const focus = await page.evaluate(() => {
        const element = document.activeElement;
        const label = element?.labels?.[0]?.textContent ?? element?.getAttribute('aria-label') ?? element?.textContent ?? '';
        return { label: label.replace(/[\u2066-\u2069]/g, '').trim(), outline: element ? getComputedStyle(element).outlineStyle : 'none' };
      });
      if (focus.label !== name) continue;
      assert.equal(focus.outline, 'solid', `${name} does not show that it has the focus`);
      return;
    }
    assert.fail(`${name} is not reached by Tab`);
  };
  await reach('Make an account');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Make an account' }).waitFor();
  await sweep('02-join');
  await page.locator('body').press('Home');
  await page.evaluate(() => document.activeElement?.blur());
  await reach('Name');
  await page.keyboard.type('ada');
  await reach('Password');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await sweep('03-no-gallery');
  await page.reload();
  await reach('Skip to the content');
  await page.keyboard.press('Enter');
  await reach('Make the first one');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('By hand');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('Enter'); // the focus is back where it was, and the draft is still there
  await page.getByRole('dialog').waitFor();
  assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'By hand');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'By hand' }).waitFor();
  await sweep('04-empty-gallery');
  await reach('Add a person');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('Ada');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Ada', exact: true }).waitFor();
  await sweep('05-empty-person');
  await reach('More for Ada');
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Delete' }).waitFor();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await page.getByText('is deleted.').waitFor();
  await page.keyboard.press('Control+z');
  await page.getByRole('link', { name: /^Ada/ }).waitFor();
});

test('the colours that were chosen stay', { skip: why }, async () => {
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await page.getByRole('menuitemradio', { name: 'Dark' }).click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await sweep('05b-account-menu');
  await page.getByRole('menuitemradio', { name: 'As the system' }).click();
  assert.equal(await ground(), light);
  await page.keyboard.press('Escape');
});

/** Five people's first photos as a zip of folders. */
function zipOfPeople(numbers) {
  const files = Object.fromEntries(
    people.flatMap((person) => numbers.map((number) => [`All/${person}/${number}.jpg`, new Uint8Array(readFileSync(photo(person, number)))])),
  );
  return Buffer.from(zipSync({ ...files, 'All/notes.txt': new Uint8Array(3) }));
}

test('a zip of folders becomes people, over a server that is killed meanwhile, none lost and none doubled', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('button', { name: 'New gallery' }).click();
  await page.getByLabel('Name', { exact: true }).fill('World stage');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name: 'World stage' }).waitFor();
  const zip = { name: 'all.zip', mimeType: 'application/zip', buffer: zipOfPeople([1, 2, 3, 4]) };
  await page.getByLabel('Choose a zip', { exact: true }).last().setInputFiles(zip);
  await page.getByRole('heading', { name: 'Add 20 photos of 5 people?' }).waitFor();
  await page.getByText('1 file stays out').waitFor();
  await sweep('06-many-people');
  // However fast the server is, the upload is met under way: photos beyond the first four are held.
  const toPhotos = '**/api/v1/galleries/*/people/*/photos*';
  let sent = 0;
  await page.route(toPhotos, (route) => {
    if (route.request().method() === 'POST') sent += 1;
    if (sent <= 4) return route.continue();
  });
  await page.getByRole('button', { name: 'Add them' }).click();
  await page.getByText(/[2-9] of 20 photos done/).first().waitFor();
  await page.getByRole('region', { name: 'Upload' }).getByRole('button', { name: 'Pause' }).click();
  await page.reload();
  await page.unroute(toPhotos);
  await page.getByText(/^Paused · \d+ photos wait/).waitFor();
  await sweep('07-uploading');
  await server.stop('SIGKILL');
  await page.getByRole('region', { name: 'Upload' }).getByRole('button', { name: 'Go on' }).click();
  await page.getByText(/The server cannot be reached/).first().waitFor();
  server = await startServer({ data: join(scratch, 'data'), port: server.port });
  await page.getByText(/^\d+ photos were added/).waitFor({ timeout: 90_000 });
  watched.forgive(/ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET/);
  const refused = await page.locator('.badge.bad').allInnerTexts();
  assert.ok(refused.every((why) => why === 'Several faces'), `${refused}; LFW's photos may show others in the background`);
  const { people: listed } = await read('/galleries/2/people');
  assert.deepEqual(listed.map(({ name }) => name), people.map((name) => name.replaceAll('_', ' ')));
  assert.equal(listed.reduce((sum, { photo_count }) => sum + photo_count, 0), 20 - refused.length);
  await watched.refusals();
});

test('a tab that cannot reach the server says so once, and no more when it can again', { skip: why }, async () => {
  const offline = page.getByText(/The server cannot be reached/);
  await page.waitForTimeout(1_000); // what the page asks for after an upload is answered
  await page.route('**/api/v1/**', (route) => route.abort());
  try {
    await tab('Train').click();
    await offline.first().waitFor();
    await page.waitForTimeout(500); // all that the tab asks for has failed
    assert.equal(await offline.count(), 1);
  } finally {
    await page.unroute('**/api/v1/**');
  }
  watched.forgive(/ERR_FAILED/);
  await tab('People').click();
  await tab('Train').click();
  await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
  await page.waitForTimeout(300);
  assert.equal(await offline.count(), 0);
  await tab('People').click();
});

test('a folder of photos goes to the people whose names its folders have', { skip: why }, async () => {
  const folder = join(scratch, 'More');
  for (const [person, number] of [['Hugo_Chavez', 5], ['Vladimir_Putin', 1]]) {
    mkdirSync(join(folder, person), { recursive: true });
    cpSync(photo(person, number), join(folder, person, '5.jpg'));
  }
  await page.getByRole('button', { name: 'Clear the list' }).click();
  await page.getByRole('button', { name: 'Clear the list' }).waitFor({ state: 'detached' });
  await page.reload();
  await page.getByLabel('Choose a folder', { exact: true }).last().setInputFiles(folder);
  await page.getByRole('heading', { name: 'Add 2 photos of 2 people?' }).waitFor();
  await page.getByRole('button', { name: 'Add them' }).click();
  await page.getByText('2 photos were added.').waitFor();
  await page.getByRole('link', { name: /Hugo Chavez 5 photos/ }).waitFor();
  await page.getByRole('link', { name: /Vladimir Putin 1 photo/ }).waitFor();
  assert.deepEqual(await watched.refusals(), ['POST /api/v1/galleries/2/people 409'], 'Hugo Chavez is there already');
  await page.getByRole('button', { name: 'Clear the list' }).click();
  await sweep('08-people');
});

test('photos move to somebody else or become somebody new, and back', { skip: why }, async () => {
  const counts = async () => Object.fromEntries((await read('/galleries/2/people')).people.map(({ name, photo_count }) => [name, photo_count]));
  const before = await counts();
  await page.getByRole('link', { name: /Hugo Chavez 5 photos/ }).click();
  await page.getByRole('heading', { name: '5 photos' }).waitFor();
  for (const box of await page.getByRole('checkbox').all()) if ((await box.getAttribute('aria-label')).includes('5.jpg')) await box.check();
  await sweep('09-person-selected');
  await page.getByRole('button', { name: 'Move to…' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Serena Williams' }).waitFor();
  await sweep('10-move');
  await page.getByRole('dialog').getByRole('button', { name: 'Serena Williams' }).click();
  await page.getByRole('heading', { name: '4 photos' }).waitFor();
  assert.equal((await counts())['Serena Williams'], before['Serena Williams'] + 1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('heading', { name: '5 photos' }).waitFor();
  assert.deepEqual(await counts(), before);

  await page.getByRole('checkbox').first().check();
  await page.getByRole('button', { name: 'Move to…' }).click();
  await page.getByLabel('Find a person, or name a new one').fill('Hugo the other');
  await page.getByRole('button', { name: /^New person/ }).click();
  await page.getByRole('heading', { name: '4 photos' }).waitFor();
  assert.equal((await counts())['Hugo the other'], 1);

  await page.getByRole('main').getByRole('link', { name: 'People', exact: true }).click();
  await page.getByRole('link', { name: /Hugo the other/ }).dragTo(page.getByRole('link', { name: /Hugo Chavez/ }));
  await page.getByRole('button', { name: 'Merge them' }).waitFor();
  await sweep('10b-merge');
  await page.getByRole('button', { name: 'Merge them' }).click();
  await page.getByRole('link', { name: /Hugo Chavez 5 photos/ }).waitFor();
  assert.deepEqual(await counts(), before);
  await page.getByText(/is merged into/).waitFor();
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await page.getByRole('link', { name: /Hugo the other 1 photo/ }).click();
  await choose('Merge into…');
  await page.getByRole('dialog').getByRole('button', { name: 'Hugo Chavez' }).waitFor();
  await sweep('10c-merge-into');
  await page.getByRole('dialog').getByRole('button', { name: 'Hugo Chavez' }).click();
  await page.getByRole('heading', { name: 'Hugo Chavez', exact: true }).waitFor();
  await page.getByRole('heading', { name: '5 photos' }).waitFor();
  assert.deepEqual(await counts(), before);
});

test('the webcam takes a photo of whoever looks straight into it', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Use the camera' }).click();
  await page.getByText('Turn your head to your left').waitFor({ timeout: 30_000 });
  await page.getByRole('button', { name: 'Again' }).waitFor();
  await sweep('11-webcam');
  await page.getByRole('button', { name: 'Skip' }).click();
  await page.getByText('Turn your head to your right').waitFor();
  await page.getByRole('button', { name: 'Add 1 photo' }).click();
  await page.getByText('1 photo was added.').waitFor();
  await page.getByRole('heading', { name: '6 photos' }).waitFor();
  await sweep('12-person');
});

test('a version is trained, another, and the first may answer again', { skip: why }, async () => {
  await page.getByRole('main').getByRole('link', { name: 'People', exact: true }).click();
  await tab('Train').click();
  for (const number of [1, 2]) {
    await page.getByRole('button', { name: /^Train( again)?$/ }).click();
    await page.getByText(`Trained. Version ${number} is in use now.`).waitFor({ timeout: 60_000 });
    if (number === 2) break;
    await page.request.get(server.address);
  }
  await page.getByText(/A match is a similarity of 0\.\d+ or more/).nth(1).waitFor();
  const slider = page.getByRole('slider', { name: 'Who is it?' });
  const promised = await slider.getAttribute('aria-valuetext');
  await slider.press('ArrowRight');
  await page.getByText(promised, { exact: true }).waitFor({ state: 'detached' });
  await page.getByText(/A match is a similarity of 0\.\d+ or more/).nth(1).waitFor();
  await page.getByText('Nothing new against the version before.').waitFor();
  await sweep('13-train');
  // That its report cannot be read is told for as long as it is in use.
  await page.route(/\/galleries\/2\/versions\/1$/, (route) => route.abort());
  await page.getByRole('article').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Use this one' }).click();
  await page.getByText('an older version').waitFor();
  assert.equal((await read('/galleries/2')).version_in_use, 1);
  const unread = page.getByRole('alert').filter({ hasText: 'The server cannot be reached.' });
  await unread.waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('an older version').waitFor({ state: 'detached' });
  assert.equal((await read('/galleries/2')).version_in_use, 2);
  await unread.waitFor({ state: 'detached' });
  await page.unroute(/\/galleries\/2\/versions\/1$/);
  watched.forgive(/ERR_FAILED/);
});

/** Makes a gallery of folders with the first photos of people in them, and goes to its training. */
async function trainingOf(name, folders) {
  await page.goto(server.address);
  await page.getByRole('button', { name: 'New gallery' }).click();
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { name }).waitFor();
  const files = folders.flatMap(([folder, person, numbers]) =>
    numbers.map((number) => [`${folder}/${number}.jpg`, new Uint8Array(readFileSync(photo(person, number)))]));
  await page.getByLabel('Choose a zip', { exact: true }).last().setInputFiles({ name: 'all.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync(Object.fromEntries(files))) });
  await page.getByRole('button', { name: 'Add them' }).click();
  await page.getByText(`${files.length} photos were added.`).waitFor();
  await page.getByRole('button', { name: 'Clear the list' }).click();
  await tab('Train').click();
}

const headBox = () => page.getByRole('checkbox', { name: /^Try a personal head too/ });

test('a personal head is tried where it is wanted, and the page says what came of it', { skip: why }, async () => {
  const gallery = new URL(page.url()).pathname;
  await headBox().check();
  await page.getByRole('button', { name: 'Train again' }).click();
  await page.getByText(/^No personal head was trained: of \d+ photos, 0 were confused/).waitFor({ timeout: 60_000 });
  await sweep('13d-head-nothing-to-mend');

  await trainingOf('One photo each', people.map((person) => [person, person, [1]]));
  await headBox().check();
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page.getByText('it takes 5 people with two photos each').waitFor({ timeout: 60_000 });
  assert.equal(await headBox().isChecked(), true, 'the wish stays for the next training');
  await sweep('13e-head-refused');
  await choose('Delete');

  // Nobody of LFW is confused by a pack that is here: the two other outcomes are the server's answer with another trial in it.
  const answers = (confused_count, confused_rate_low, confused_rate_high, misnamed_count, recognized_count) =>
    ({ confused_count, confused_rate_low, confused_rate_high, misnamed_count, recognized_count });
  const trial = { photo_count: 120, person_count: 20, fold_count: 5, without_head: answers(31, 0.1884, 0.3433, 4, 60) };
  const kept = { ...trial, with_head: answers(12, 0.0581, 0.1667, 1, 88), mended_count: 21, spoiled_count: 2, p_value: 3.3e-5, is_better: true };
  const notKept = { ...trial, with_head: answers(28, 0.1667, 0.3166, 4, 61), mended_count: 8, spoiled_count: 5, p_value: 0.29, is_better: false };
  for (const [name, head_trial, words] of [
    ['13f-head-kept', kept, 'A personal head answers. Of 120 photos, each held against the others, 31 were confused without it and 12 with it.'],
    ['13g-head-not-kept', notKept, 'The personal head was not kept. Of 120 photos, each held against the others, 31 were confused without it and 28 with it.'],
  ]) {
    await page.route(/\/galleries\/\d+\/versions\/\d+$/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), has_head: head_trial.is_better, head_trial } });
    });
    await page.goto(`${server.address}${gallery}?tab=train`);
    await page.getByText(words).waitFor();
    assert.equal(await headBox().isChecked(), head_trial.is_better, 'a gallery that has a head tries one again');
    await sweep(name);
    await page.unrouteAll({ behavior: 'wait' });
  }
});

test('photos that are more like somebody else are told, as a list and as a matrix', { skip: why }, async () => {
  const gallery = new URL(page.url()).pathname;
  await trainingOf('One man, two names', [['Colin Powell', 'Colin_Powell', [1, 2, 3]], ['General Powell', 'Colin_Powell', [4, 5, 6]]]);
  await page.getByRole('button', { name: 'Train', exact: true }).click();
  await page.getByText(/[1-6] photos? (is|are) more like somebody else/).waitFor({ timeout: 60_000 });
  await page.getByRole('region', { name: /Whose photos/ }).waitFor();
  await sweep('13b-confused');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete the version' }).waitFor();
  await sweep('13c-delete-version');
  await page.keyboard.press('Escape');
  await choose('Delete');
  await page.goto(server.address + gallery);
});

test('many photos are asked about, and the answers are a file', { skip: why }, async () => {
  await tab('Identify').click();
  await page.getByRole('tab', { name: 'Many photos' }).click();
  await page.locator('input[type=file]').setInputFiles([photo('Serena_Williams', 6), photo('Jean_Chretien', 6), photo('Aaron_Peirsol', 1)]);
  await page.getByText('3 of 3 photos answered').waitFor({ timeout: 30_000 });
  await sweep('14-batch');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save as CSV' }).click()]);
  const file = join(scratch, 'identified.csv');
  await download.saveAs(file);
  const lines = readFileSync(file, 'utf8').trim().split('\r\n').map((line) => line.split(',').slice(0, 4).join(','));
  assert.equal(lines[0], 'file,face,verdict,person');
  assert.ok(lines.includes('Serena_Williams_0006.jpg,1,match,Serena Williams'), lines.join('\n'));
  assert.ok(lines.includes('Aaron_Peirsol_0001.jpg,1,unknown,'), lines.join('\n'));
  let asked = 0;
  const count = (request) => (asked += /\/identify/.test(request.url()) ? 1 : 0);
  page.on('request', count);
  await page.reload();
  await page.getByRole('tab', { name: 'Many photos', selected: true }).waitFor();
  await page.getByText('3 of 3 photos answered').waitFor();
  page.off('request', count);
  assert.equal(asked, 0, 'the answers are still there');
});

test('a row of faces is named without one name over another, and a pasted picture is asked about', { skip: why }, async () => {
  await page.getByRole('tab', { name: 'One photo' }).click();
  const row = await sideBySide(browser, people.map((person) => photo(person, 5)), 0.6);
  await page.evaluate((base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], 'row.jpg', { type: 'image/jpeg' }));
    window.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }));
  }, row.toString('base64'));
  await page.getByText(/[5-9] faces found/).waitFor();
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 860 });
    const boxes = await page.locator('.photo .label').evaluateAll((labels) => labels.map((label) => label.getBoundingClientRect().toJSON()));
    for (const [index, box] of boxes.entries()) {
      for (const other of boxes.slice(index + 1)) {
        const apart = box.right <= other.left + 1 || other.right <= box.left + 1 || box.bottom <= other.top + 1 || other.bottom <= box.top + 1;
        assert.ok(apart, `labels cover each other at ${width} px: ${JSON.stringify([box, other])}`);
      }
    }
  }
  await sweep('15-identify');
  await page.reload();
  await page.getByText(/[5-9] faces found/).waitFor();
  await tab('Verify').click();
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Hugo Chavez' });
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 6));
  await page.getByRole('heading', { name: 'Yes, this is Hugo Chavez.' }).waitFor();
  await sweep('16-verify');
  writeFileSync(join(scratch, 'row.jpg'), row);
  await page.locator('input[type=file]').setInputFiles(join(scratch, 'row.jpg'));
  await page.getByText(/Choose the one you mean/).waitFor();
  await sweep('16b-verify-several');
  await page.getByRole('button', { name: 'Face 1' }).click();
  await page.locator('.result h2').waitFor();
  await sweep('16c-verify-chosen');
  await page.locator('input[type=file]').setInputFiles(photo('Hugo_Chavez', 6));
  await page.getByRole('heading', { name: 'Yes, this is Hugo Chavez.' }).waitFor();
  await page.getByRole('button', { name: 'Use the camera' }).click();
  await page.getByRole('button', { name: 'Take the photo' }).waitFor();
  await sweep('16d-shoot');
  await page.keyboard.press('Escape');
  await page.reload();
  await page.getByRole('heading', { name: 'Yes, this is Hugo Chavez.' }).waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Is it' }).inputValue(), await page.getByRole('option', { name: 'Hugo Chavez' }).getAttribute('value'));
});

test('galleries are found, duplicated and seen at a glance', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('article').filter({ hasText: 'World stage' }).getByText('Trained', { exact: true }).waitFor();
  await choose('Duplicate', 'World stage');
  await page.getByLabel('Name', { exact: true }).fill('Copy');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('article').filter({ hasText: 'Copy' }).getByText('6 people').waitFor();
  await page.waitForLoadState('networkidle');
  await sweep('17-galleries');
});

test('a key for a program is shown once', { skip: why }, async () => {
  await page.goto(`${server.address}/account`);
  await page.getByRole('heading', { name: 'API keys' }).waitFor();
  await sweep('18-account');
  await page.getByRole('button', { name: 'Make a key' }).click();
  await page.getByLabel('Name', { exact: true }).fill('door');
  await sweep('19-make-key');
  await page.getByRole('dialog').getByRole('button', { name: 'Make a key' }).click();
  await page.locator('.secret').waitFor();
  await sweep('20-key');
  const key = await page.locator('.secret').innerText();
  const galleries = (headers) => fetch(`${server.address}/api/v1/galleries`, { headers });
  assert.equal((await galleries({ Authorization: `Bearer ${key}` })).status, 403, 'it may ask about photos only');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('never used').waitFor();
  await sweep('21-keys');
  await page.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('never used').waitFor({ state: 'detached' });
  assert.equal((await galleries({ Authorization: `Bearer ${key}` })).status, 401);
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await page.getByLabel('Your password').waitFor();
  await sweep('22-delete-account');
  await page.keyboard.press('Escape');
});

test('nothing on all these pages went wrong', { skip: why }, async () => {
  assert.deepEqual(await watched.refusals(), ['POST /api/v1/galleries/2/verify 400']);
  assert.deepEqual(watched.faults, []);
});
