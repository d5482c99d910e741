// The walk through the pages: each chapter begins on a new page of the same account and looks at every state that matters.
// A chapter that changes what it finds uses a gallery or an account of its own.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from '../../web/node_modules/fflate/esm/index.mjs';
import { photo, sideBySide } from './browser.mjs';
import { account, errors } from './film_account.mjs';
import { password } from './film_stage.mjs';

/** Folders of photos as a zip, and a few things that are none. */
function zipOf(folders) {
  const files = Object.fromEntries(
    folders.flatMap(([person, numbers]) => numbers.map((number) => [`All/${person}/${number}.jpg`, new Uint8Array(readFileSync(photo(person, number)))])),
  );
  return { name: 'all.zip', mimeType: 'application/zip', buffer: Buffer.from(zipSync({ ...files, 'All/notes.txt': new Uint8Array(3) })) };
}

const rowOf = async (stage, people, number) => {
  const file = join(stage.scratch, `row-${people.length}.jpg`);
  writeFileSync(file, await sideBySide(stage.browser, people.map((person) => photo(person, number)), 1.4));
  return file;
};

/** Logging in and signing up, for somebody who has no account yet. */
async function front(stage) {
  const { page } = stage;
  const session = (await stage.context.cookies()).slice();
  await stage.context.clearCookies();
  await stage.go('/');
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await stage.shot('01-log-in');
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill('not this one');
  await stage.button('Log in').click();
  await page.getByRole('alert').waitFor();
  await stage.shot('02-log-in-refused');
  await stage.button('Make an account').click();
  await page.getByLabel('Name', { exact: true }).fill('grace');
  await page.getByLabel('Password', { exact: true }).fill('qwertyuiop');
  await stage.shot('03-sign-up-weak');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Show what is typed' }).click();
  await stage.shot('04-sign-up-good');
  await stage.button('Sign up').click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await stage.shot('05-no-gallery');
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await stage.shot('06-account-menu');
  await page.keyboard.press('Escape');
  await stage.button('Make the first one').click();
  await stage.dialog.getByRole('textbox').fill('Family');
  await stage.shot('07-new-gallery');
  await stage.context.clearCookies();
  await stage.context.addCookies(session);
}

/** Galleries at a glance. */
async function galleries(stage) {
  const { page } = stage;
  await stage.go('/');
  await page.getByRole('article').nth(4).waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('10-galleries');
  await page.getByRole('button', { name: /^More for .*World stage/ }).click();
  await stage.shot('11-gallery-menu');
  await page.keyboard.press('Escape');
  await page.getByRole('searchbox').fill('door');
  await stage.shot('12-galleries-found');
  await page.getByRole('searchbox').fill('nothing like it');
  await stage.shot('13-galleries-not-found');
  await page.getByRole('searchbox').fill('');
  await stage.choose('Duplicate', 'World');
  await stage.shot('14-duplicate');
  await stage.button('Make it').click();
  await page.getByRole('article').filter({ hasText: 'World stage 2' }).getByText('8 people').waitFor();
  await stage.choose('Delete', 'World stage 2');
  await stage.says('is deleted.');
  await stage.shot('15-gallery-deleted', { whole: false });
  await stage.button('Undo').click();
  await page.getByRole('article').filter({ hasText: 'World stage 2' }).waitFor();
  await stage.choose('Delete', 'World stage 2');
}

/** An empty gallery's parts, each of which says what to do. */
async function empty(stage) {
  const { page } = stage;
  for (const [index, tab] of ['people', 'train', 'identify', 'verify', 'live', 'recorded'].entries()) {
    await stage.goGallery(stage.empty, tab);
    await page.waitForTimeout(300);
    await stage.shot(`2${index}-empty-${tab}`);
  }
  await stage.goGallery(stage.empty);
  await stage.button('Add a person').click();
  await stage.shot('26-add-person');
  await stage.dialog.getByRole('textbox').fill('Grace Hopper');
  await stage.button('Add', stage.dialog).click();
  await page.getByRole('heading', { name: 'Grace Hopper' }).waitFor();
  await stage.shot('27-empty-person');
}

/** People as a grid, many added at once with the bar, merged and found. */
async function people(stage) {
  const { page } = stage;
  await stage.goGallery(stage.world);
  await page.getByRole('link', { name: /^Halle Berry/ }).waitFor();
  await stage.shot('30-people', { until: () => page.waitForLoadState('networkidle') });
  const gallery = await stage.addGallery('Many at once', [['Serena Williams', 'Serena_Williams', [1, 2]]]);
  await stage.goGallery(gallery);
  const zip = zipOf([['Serena_Williams', [2, 3, 4]], ['Jean_Chretien', [1, 2, 3, 4]], ['Gerhard_Schroeder', [1, 2, 3, 4]], ['Colin_Powell', [1, 2, 3, 4, 5]], ['Bill_Gates', [1, 2, 3, 4, 5]]]);
  await page.getByLabel('Choose a zip', { exact: true }).last().setInputFiles(zip);
  await stage.says('Add 21 photos of 5 people?');
  await stage.shot('31-many');
  await stage.button('Add them').click();
  await stage.says(/[2-9] of 21 photos done/);
  await stage.button('Pause', page.getByRole('region', { name: 'Upload' })).click();
  await stage.shot('32-uploading-paused');
  await page.getByRole('link', { name: 'Galleries' }).click();
  await page.getByRole('complementary', { name: 'Upload' }).waitFor();
  await stage.shot('33-upload-elsewhere', { whole: false });
  await stage.goGallery(gallery);
  await stage.withoutServer(async () => {
    await stage.button('Go on', page.getByRole('region', { name: 'Upload' })).click();
    await stage.says(/The server cannot be reached/);
    await stage.shot('34-offline-upload');
  });
  await stage.says(/^\d+ photos were added/);
  await stage.shot('35-uploaded');
  await stage.button('Clear the list').click();
  await stage.says('5 people');
  await page.getByRole('link', { name: /Jean Chretien/ }).dragTo(page.getByRole('link', { name: /Gerhard Schroeder/ }));
  await stage.button('Merge them').waitFor();
  await stage.shot('36-merge');
  await stage.button('Merge them').click();
  await stage.says(/is merged into/);
  await stage.shot('37-merged', { whole: false });
  await stage.button('Undo').last().click();
  await page.getByRole('link', { name: /Jean Chretien/ }).waitFor();
  await stage.goGallery(stage.world);
  await stage.go(`/galleries/${stage.world}`);
  await page.waitForLoadState('networkidle');
}

/** A person: photos with boxes, bars, what was left out, look-alikes; photos chosen, moved, split off, refused. */
async function person(stage) {
  const { page } = stage;
  await stage.go(`/galleries/${stage.world}/people/${stage.hugo}`);
  await page.getByRole('heading', { name: '5 photos' }).waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('40-person');
  const gallery = await stage.addGallery('Sorting', [['Hugo Chavez', 'Hugo_Chavez', [1, 2, 3]], ['Serena Williams', 'Serena_Williams', [1, 2, 3]]]);
  await stage.goGallery(gallery);
  await page.getByRole('link', { name: /Hugo Chavez/ }).click();
  await page.getByRole('heading', { name: '3 photos' }).waitFor();
  const grey = join(stage.scratch, 'notes.jpg');
  writeFileSync(grey, 'this is not a picture');
  const two = await rowOf(stage, ['Serena_Williams', 'Colin_Powell'], 2);
  const far = join(stage.scratch, 'far.jpg');
  writeFileSync(far, await sideBySide(stage.browser, [photo('Hugo_Chavez', 4)], 0.16));
  await page.locator('input[type=file]').setInputFiles([photo('Hugo_Chavez', 4), photo('Serena_Williams', 1), grey, two, far]);
  await stage.says(/^1 photo was added, 4 refused/);
  await stage.shot('41-photos-judged');
  await stage.button('Clear the list').click();
  await page.getByRole('checkbox').nth(0).check();
  await page.getByRole('checkbox').nth(1).check();
  await stage.shot('42-photos-chosen');
  await stage.button('Move to…').click();
  await stage.button('Serena Williams', stage.dialog).waitFor();
  await stage.shot('43-move');
  await stage.dialog.getByRole('searchbox').fill('Somebody else');
  await page.getByRole('button', { name: /^New person/ }).waitFor();
  await stage.shot('44-split');
  await page.getByRole('button', { name: /^New person/ }).click();
  await stage.says(/is a person now/);
  await stage.shot('45-split-done', { whole: false });
  await stage.button('Undo').last().click();
  await page.getByRole('heading', { name: '4 photos' }).waitFor();
  await stage.choose('Merge into…');
  await stage.button('Serena Williams', stage.dialog).waitFor();
  await stage.shot('46-merge-into');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^More for .*Hugo Chavez/ }).click();
  await stage.shot('47-person-menu');
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await stage.says('is deleted.');
  await stage.shot('48-person-deleted', { whole: false });
  await stage.button('Undo').click();
}

/** Takes the camera away as the browser does when its device goes. */
const unplug = (page) =>
  page.evaluate(() => {
    const [track] = document.querySelector('video').srcObject.getVideoTracks();
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });

/** Photos with the webcam, guided. */
async function guide(stage) {
  const { page } = stage;
  await stage.go(`/galleries/${stage.club}`);
  await page.getByRole('link', { name: /Halle Berry/ }).click();
  await stage.button('Use the camera').click();
  await page.waitForFunction(() => document.querySelector('video')?.srcObject?.active);
  await stage.shot('50-guide');
  await stage.button('Again').first().waitFor({ timeout: 60_000 });
  await stage.shot('51-guide-taken');
  await stage.button('Skip').click();
  await stage.button('Take it now').click();
  await stage.says('That is all. Thank you.');
  await stage.shot('52-guide-all');
  await stage.button('Again').last().click();
  await unplug(page);
  await stage.dialog.getByRole('alert').waitFor();
  await stage.shot('53-guide-camera-lost');
  await stage.button('Cancel', stage.dialog).click();
}

/** Training: progress, promises, who could be taken for whom, versions. */
async function train(stage) {
  const { page } = stage;
  const gallery = await stage.addGallery('To be trained', [['Hugo Chavez', 'Hugo_Chavez', [1, 2, 3]], ['Serena Williams', 'Serena_Williams', [1, 2, 3]]]);
  await stage.goGallery(gallery, 'train');
  await stage.shot('60-untrained');
  await page.route('**/jobs/*/events', async (route) => {
    const id = Number(new URL(route.request().url()).pathname.split('/').at(-2));
    const job = await stage.api('GET', `/jobs/${id}`);
    const told = { ...job, state: 'running', result: null, progress: { done: 4, total: 6, message: 'looking at photo 5 of 6' } };
    await route.fulfill({ contentType: 'text/event-stream', body: `retry: 60000\nevent: job\ndata: ${JSON.stringify(told)}\n\n` });
  });
  await stage.button('Train').click();
  await page.getByRole('progressbar').first().waitFor();
  await stage.shot('61-training');
  await page.unroute('**/jobs/*/events');
  await stage.goGallery(gallery, 'train');
  await stage.says('Who could be taken for whom');
  await stage.shot('62-first-version');
  const more = await stage.addPerson(gallery, 'Colin Powell', 'Colin_Powell', [1, 2, 3]);
  await stage.addPhoto(gallery, more, photo('Aaron_Peirsol', 1));
  await stage.goGallery(gallery, 'train');
  await stage.says('4 photos were added since');
  await stage.shot('63-out-of-date');
  await stage.button('Train again').click();
  await stage.says('Trained. Version 2 is in use now.');
  await stage.says('Who could be taken for whom');
  await page.waitForLoadState('networkidle');
  await page.getByRole('slider').first().press('ArrowRight');
  await stage.shot('64-trained');
  await page.getByRole('article').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Use this one' }).click();
  await stage.says('an older version');
  await stage.shot('65-rolled-back', { whole: false });
  await page.getByRole('article').filter({ hasText: 'Version 1' }).getByRole('button', { name: 'Delete' }).click();
  await stage.shot('66-delete-version');
  await stage.goGallery(stage.twins, 'train');
  await page.getByRole('region', { name: /Whose photos/ }).waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('67-confused');
  await stage.goGallery(stage.world, 'train');
  await stage.says('Who could be taken for whom');
  await page.waitForLoadState('networkidle');
  await stage.shot('68-left-out');
}

/** Slows what a page sends, so that what is shown meanwhile can be looked at. */
async function slowly(stage, work) {
  const network = await stage.context.newCDPSession(stage.page);
  const speed = { offline: false, latency: 0, downloadThroughput: -1 };
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: 5_000 });
  await work();
  await network.send('Network.emulateNetworkConditions', { ...speed, uploadThroughput: -1 });
  await network.detach();
}

/** One photo asked about: who is in it, and whether it is who they say. */
async function ask(stage) {
  const { page } = stage;
  await stage.goGallery(stage.world, 'identify');
  await stage.shot('70-identify');
  const input = page.locator('input[type=file]');
  await slowly(stage, async () => {
    await input.setInputFiles(photo('Colin_Powell', 7));
    await stage.says('Sending…');
    await stage.shot('71-identify-sending');
  });
  await stage.says(/\d+ faces? found/);
  await input.setInputFiles(await rowOf(stage, ['Hugo_Chavez', 'Bill_Gates', 'Serena_Williams', 'Condoleezza_Rice', 'Vladimir_Putin'], 5));
  await stage.says(/\d faces found/);
  await page.waitForLoadState('networkidle');
  await stage.shot('72-identified-row');
  await input.setInputFiles(photo('Aaron_Peirsol', 1));
  await page.locator('.badge.unknown').first().waitFor();
  await stage.shot('73-stranger');
  const blank = join(stage.scratch, 'blank.jpg');
  writeFileSync(blank, await sideBySide(stage.browser, [], 1, { width: 400, height: 300 }));
  await input.setInputFiles(blank);
  await stage.says('No face was found');
  await stage.shot('74-no-face');
  const broken = join(stage.scratch, 'broken.jpg');
  writeFileSync(broken, 'no picture');
  await input.setInputFiles(broken);
  await page.getByRole('alert').waitFor();
  await stage.shot('75-no-picture');
  await stage.goGallery(stage.twins, 'identify');
  await input.setInputFiles(photo('Colin_Powell', 9));
  await stage.says('Not sure');
  await page.waitForLoadState('networkidle');
  await stage.shot('76-not-sure');
  await stage.goGallery(stage.world, 'verify');
  await stage.shot('77-verify');
  await page.getByRole('combobox', { name: 'Is it' }).selectOption({ label: 'Hugo Chavez' });
  await input.setInputFiles(photo('Hugo_Chavez', 6));
  await page.getByRole('heading', { name: /^Yes, this is/ }).waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('78-verify-yes');
  await input.setInputFiles(photo('Aaron_Peirsol', 1));
  await page.getByRole('heading', { name: /^No: this is not/ }).waitFor();
  await stage.shot('79-verify-no');
  await input.setInputFiles(await rowOf(stage, ['Hugo_Chavez', 'Serena_Williams'], 5));
  await stage.says('Choose the one you mean.');
  await stage.shot('80-verify-several');
  await page.getByRole('button', { name: /^Face 1/ }).click();
  await page.locator('.result h2').waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('81-verify-chosen');
  await stage.button('Use the camera').click();
  await stage.button('Take the photo').waitFor();
  await page.waitForTimeout(500);
  await stage.shot('82-shoot');
  await unplug(page);
  await stage.dialog.getByRole('alert').waitFor();
  await stage.shot('83-shoot-camera-lost');
}

/** Many photos asked about. */
async function batch(stage) {
  const { page } = stage;
  await stage.goGallery(stage.world, 'identify');
  await page.getByRole('tab', { name: 'Many photos' }).click();
  await stage.shot('84-batch');
  const broken = join(stage.scratch, 'scan of the old album, page 4.jpg');
  writeFileSync(broken, 'no picture');
  const files = [photo('Serena_Williams', 6), photo('Hugo_Chavez', 6), photo('Aaron_Peirsol', 1), await rowOf(stage, ['Hugo_Chavez', 'Bill_Gates', 'Serena_Williams'], 7), broken, photo('Colin_Powell', 9)];
  await slowly(stage, async () => {
    await page.locator('input[type=file]').setInputFiles(files);
    await stage.says(/[0-5] of 6 photos answered/);
    await stage.shot('85-batch-underway');
  });
  await stage.says('6 of 6 photos answered');
  await page.waitForLoadState('networkidle');
  await stage.shot('86-batch-answered');
}

/** The webcam: people named, a stranger, several; a pause, the log, trouble, a camera that goes. */
async function live(stage) {
  const { page } = stage;
  await stage.goGallery(stage.world, 'live');
  await stage.button('Start the camera').waitFor();
  await stage.shot('90-live');
  await stage.button('Start the camera').click();
  const known = page.locator('.faces .label.match');
  const unknown = page.locator('.faces .label.unknown');
  await known.first().waitFor();
  await stage.shot('91-live-known', { until: () => known.first().waitFor() });
  await stage.shot('92-live-unknown', { until: () => unknown.first().waitFor() });
  await page.waitForFunction(() => document.querySelectorAll('.faces .label.unknown').length === 1 && document.querySelectorAll('.faces .label.match').length === 1);
  await stage.button('Pause').click();
  await stage.shot('93-live-several');
  await stage.button('Name this face').click();
  await stage.dialog.waitFor();
  await stage.shot('94-live-name');
  await page.keyboard.press('Escape');
  await stage.button('Go on').click();
  await stage.withoutServer(async () => {
    await stage.says('The connection broke. Connecting again…');
    await stage.shot('95-live-reconnecting');
  });
  await known.first().waitFor({ timeout: 60_000 });
  await unplug(page);
  await page.getByRole('alert').waitFor();
  await stage.shot('96-live-camera-gone');
  await page.evaluate(() => (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))));
  await stage.button('Start the camera').click();
  await stage.says('The browser was not allowed');
  await stage.shot('97-live-denied');
}

/** Recording: what it keeps, who was seen, unknown faces that are named and brought back. */
async function recorded(stage) {
  const { page } = stage;
  await stage.goGallery(stage.door, 'live');
  await stage.button('Record…').click();
  await stage.shot('a0-record');
  await stage.button('Turn on', stage.dialog).click();
  await stage.says('Kept for 30 days, then deleted.');
  await stage.shot('a1-recording');
  await stage.goGallery(stage.door, 'recorded');
  await stage.shot('a2-nothing-recorded');
  await stage.pass(stage.door, [
    ['Jennifer_Aniston', 1], ['Hugo_Chavez', 4], ['Jennifer_Aniston', 2], ['Colin_Powell', 3], ['Jennifer_Aniston', 3], ['Colin_Powell', 1],
    ['Serena_Williams', 5], ['Jennifer_Aniston', 4], ['Halle_Berry', 2],
  ]);
  await page.waitForTimeout(1_500);
  await page.reload();
  const groups = page.getByRole('region', { name: /^Group of/ });
  await groups.nth(2).waitFor();
  await page.waitForLoadState('networkidle');
  await stage.shot('a3-recorded');
  await groups.first().getByRole('checkbox').first().check();
  await stage.shot('a4-faces-chosen');
  await stage.button('Select none').click();
  await groups.first().getByRole('button', { name: 'Name…' }).click();
  await stage.dialog.getByRole('searchbox').fill('Jennifer Aniston');
  await page.getByRole('button', { name: /^New person/ }).waitFor();
  await stage.shot('a5-name-faces');
  await page.getByRole('button', { name: /^New person/ }).click();
  await stage.says(/4 pictures are photos of/);
  await stage.shot('a6-faces-named', { whole: false });
  await stage.button('Undo').last().click();
  await groups.nth(2).waitFor();
  await groups.first().getByRole('button', { name: 'Delete' }).click();
  await stage.says(/The group of 4 faces/);
  await stage.shot('a7-faces-deleted', { whole: false });
  await stage.button('Undo').last().click();
  await stage.button('Change…').click();
  await stage.shot('a8-change-recording');
  await stage.button('Turn off', stage.dialog).click();
  await stage.says('Delete all that was recorded?');
  await stage.shot('a9-delete-recorded');
  await stage.button('Keep it until its days are over').click();
  await stage.shot('b0-recording-off');
}

export const chapters = { front, galleries, empty, people, person, guide, train, ask, batch, live, recorded, account, errors };
