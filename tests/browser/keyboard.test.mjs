// Every flow of the pages by keyboard alone. What has the focus always shows it, and whatever is done leaves the focus on
// the page: nobody has to begin at its top again.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { barriers, launch, photo, watch, why } from './browser.mjs';
import { authenticatorCode } from './authenticator.mjs';
import { startServer } from './server.mjs';

const password = 'three red herons at dawn';
const newPassword = 'four grey cranes at dusk';
let server;
let browser;
let page;
let watched;

before(async () => {
  if (why) return;
  server = await startServer();
  browser = await launch();
  page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(15_000);
  watched = watch(page);
  page.on('filechooser', (chooser) => choosers.push(chooser));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What has the focus: its name as it is read out, and whether it can be seen to have it. */
const focused = () =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return { name: '', role: 'nothing', isSeen: false };
    const named = element.getAttribute('aria-labelledby');
    const name =
      element.getAttribute('aria-label') ??
      (named ? document.getElementById(named)?.textContent : null) ??
      element.labels?.[0]?.textContent ??
      element.textContent ??
      '';
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    const isSeen = inView && style.outlineStyle !== 'none' && style.outlineWidth !== '0px' && Number(style.opacity) > 0.5;
    return {
      name: name.replace(/[\u2066-\u2069]/g, '').replace(/\s+/g, ' ').trim(),
      role: element.getAttribute('role') ?? element.tagName.toLowerCase(),
      isSeen,
    };
  });

/** Waits until the page has taken what was done, and says that something has the focus then. */
async function held(after) {
  for (let tries = 0; tries < 20; ++tries) {
    await page.waitForTimeout(100);
    if ((await focused()).role !== 'nothing') return;
  }
  assert.fail(`after ${after} nothing has the focus`);
}

/** Goes on by a key until what has the focus has this name. */
async function reach(name, key = 'Tab') {
  const passed = [];
  for (let presses = 0; presses < 90; ++presses) {
    await page.keyboard.press(key);
    const at = await focused();
    // The browser's own controls come between the last element and the first.
    if (at.role === 'nothing') continue;
    assert.ok(at.isSeen, `${at.role} “${at.name}” has the focus and does not show it`);
    if (name instanceof RegExp ? name.test(at.name) : at.name === name) return;
    passed.push(at.name);
  }
  assert.fail(`${name} is not reached by ${key}; passed ${[...new Set(passed)].join(' | ')}`);
}

async function press(name) {
  await reach(name);
  await page.keyboard.press('Enter');
  await held(`pressing ${name}`);
}

/** Opens a menu and chooses from it. */
async function choose(menu, deed) {
  await reach(menu);
  await page.keyboard.press('Enter');
  await page.getByRole('menu').waitFor();
  await reach(deed, 'ArrowDown');
  await page.keyboard.press('Enter');
  await held(`choosing ${deed}`);
}

/** Fills the dialog's first field, which has the focus, and sends it. */
async function answer(text) {
  await page.getByRole('dialog').waitFor();
  await page.waitForTimeout(100);
  await page.keyboard.press('Control+a');
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await held('the dialog');
}

/** The dialogs of the system that were opened to choose files; taken as they open, so that none is shown. */
const choosers = [];

async function chooseFiles(button, files) {
  await reach(button);
  await page.keyboard.press('Enter');
  for (let tries = 0; tries < 50 && choosers.length === 0; ++tries) await page.waitForTimeout(100);
  assert.equal(choosers.length, 1, `${button} opens one dialog for files`);
  await choosers.shift().setFiles(files);
}

const heading = (name) => page.getByRole('heading', { name, exact: true }).waitFor();
const lfw = (person, ...numbers) => numbers.map((number) => photo(person, number));

test('an account is made', { skip: why }, async () => {
  await page.goto(server.address);
  await press('Make an account');
  await reach('Name');
  await page.keyboard.type('ada');
  await reach('Password');
  await page.keyboard.type(password);
  await press('Show what is typed');
  await press('Sign up');
  await heading('Galleries');
  await held('signing up');
});

test('a gallery is made, renamed, duplicated, deleted, and that undone', { skip: why }, async () => {
  await press('Make the first one');
  await answer('Team');
  await heading('Team');
  await choose('More for Team', 'Rename');
  await answer('World stage');
  await heading('World stage');
  await press('Galleries');
  await choose('More for World stage', 'Duplicate');
  await answer('Copy');
  await page.getByRole('link', { name: /^Copy/ }).waitFor();
  await choose('More for Copy', 'Delete');
  await page.getByText('is deleted.').waitFor();
  assert.match((await focused()).name, /World stage/, 'the card beside it has the focus');
  await page.keyboard.press('Control+z');
  await page.getByRole('link', { name: /^Copy/ }).waitFor();
  await choose('More for Copy', 'Delete');
  await press('Undo');
  await page.getByRole('link', { name: /^Copy/ }).waitFor();
  assert.equal((await focused()).role, 'main', 'the note is gone, and the page is gone on with');
  await press(/^World stage/);
  await heading('World stage');
});

test('people get photos, which move, become somebody new, are deleted, and all of it is undone', { skip: why }, async () => {
  for (const [name, files] of [['Hugo Chavez', lfw('Hugo_Chavez', 1, 2, 3)], ['Serena Williams', lfw('Serena_Williams', 1, 2, 3)]]) {
    await press('Add a person');
    await answer(name);
    await heading(name);
    await chooseFiles('Add photos', files);
    await page.getByText('3 photos were added.').waitFor();
    await heading('3 photos');
    await press('Clear the list');
    if (name === 'Hugo Chavez') await press('People');
  }
  // Instead of dragging: select, and say where to.
  await reach(/^Select .*0001/);
  await page.keyboard.press('Space');
  await press('Move to…');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('hugo');
  await page.getByRole('dialog').getByRole('button', { name: 'Serena Williams' }).waitFor({ state: 'detached' });
  await press('Hugo Chavez');
  await heading('2 photos');
  await held('moving a photo');
  await page.keyboard.press('Control+z');
  await heading('3 photos');

  await reach(/^Select .*0002/);
  await page.keyboard.press('Space');
  await press('Move to…');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('Serena the other');
  await press('New person: Serena the other');
  await heading('2 photos');
  await page.keyboard.press('Control+z');
  await heading('3 photos');

  await press(/^Delete .*0003/);
  await heading('2 photos');
  assert.match((await focused()).name, /0002|0001/, 'what lies beside it has the focus');
  await page.keyboard.press('Control+z');
  await heading('3 photos');
});

test('two people become one, and two again', { skip: why }, async () => {
  await choose('More for Serena Williams', 'Merge into…');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('hugo');
  await press('Hugo Chavez');
  await heading('Hugo Chavez');
  await heading('6 photos');
  await held('merging');
  await page.keyboard.press('Control+z');
  await heading('3 photos');
  await held('undoing a merge');
  await press('People');
  await page.getByRole('link', { name: /^Serena Williams/ }).waitFor();
});

test('a version is trained, another, and the first answers again', { skip: why }, async () => {
  await press('Train');
  await page.getByRole('button', { name: 'Train', exact: true }).waitFor();
  for (let presses = 0; (await focused()).role !== 'button' || presses === 0; ++presses) await reach('Train');
  for (const number of [1, 2]) {
    await page.keyboard.press('Enter');
    await page.getByText(`Trained. Version ${number} is in use now.`).waitFor({ timeout: 60_000 });
    await held('training');
    assert.equal((await focused()).name, 'Train again', 'the button that was pressed still has the focus');
  }
  await reach('Who is it?');
  const slider = page.getByRole('slider', { name: 'Who is it?' });
  const promised = await slider.getAttribute('aria-valuetext');
  await page.keyboard.press('ArrowRight');
  assert.notEqual(await slider.getAttribute('aria-valuetext'), promised);
  await press('Use this one');
  await page.getByText('an older version').waitFor();
  await page.keyboard.press('Control+z');
  await page.getByText('an older version').waitFor({ state: 'detached' });
});

test('a photo is verified, and the faces of others are named', { skip: why }, async () => {
  await press('Verify');
  await reach(/^Is it/);
  await page.keyboard.type('Serena');
  await chooseFiles('Choose a photo', lfw('Serena_Williams', 4));
  await page.getByRole('heading', { name: 'Yes, this is Serena Williams.' }).waitFor();
  await held('verifying');
  await press('Identify');
  await chooseFiles('Choose a photo', lfw('Hugo_Chavez', 4));
  await page.locator('.face.match').waitFor();
  await press(/^Show face 1/);
  await reach('One photo');
  await page.keyboard.press('ArrowRight');
  await page.getByRole('tab', { name: 'Many photos', selected: true }).waitFor();
  await chooseFiles('Choose photos', lfw('Hugo_Chavez', 5).concat(lfw('Serena_Williams', 5)));
  await page.getByText('2 of 2 photos answered').waitFor();
  const saved = page.waitForEvent('download');
  await press('Save as CSV');
  await saved;
  await press('Clear the list');
});

test('the account: password, codes, sessions, a key', { skip: why }, async () => {
  const elsewhere = await (await browser.newContext()).newPage();
  await elsewhere.goto(server.address);
  await elsewhere.getByLabel('Name', { exact: true }).fill('ada');
  await elsewhere.getByLabel('Password', { exact: true }).fill(password);
  await elsewhere.getByRole('button', { name: 'Log in' }).click();
  await elsewhere.getByRole('heading', { name: 'Galleries' }).waitFor();
  await choose('Menu of ada', 'Account');
  await heading('ada');
  await press('End this session');
  await page.getByRole('button', { name: 'End this session' }).waitFor({ state: 'detached' });
  await held('ending a session');

  await reach('Current password');
  await page.keyboard.type(password);
  await reach('New password');
  await page.keyboard.type(newPassword);
  await page.keyboard.press('Enter');
  await page.getByText('The password is changed').waitFor();
  await held('changing the password');

  await press('Turn on');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type(newPassword);
  await page.keyboard.press('Enter');
  await page.getByRole('img', { name: 'QR code of the key' }).waitFor();
  await held('asking for the key');
  const key = (await page.locator('.key').innerText()).replaceAll(' ', '');
  await reach('Code');
  await page.keyboard.type(authenticatorCode(key));
  await page.keyboard.press('Enter');
  await page.getByText('Keep these recovery codes').waitFor();
  await held('confirming the code');
  assert.deepEqual(await barriers(page), []);
  const [recovery] = await page.locator('.codes code').allInnerTexts();
  await press('I have it');
  await page.getByText('On. 10 recovery codes are left.').waitFor();
  await press('Turn off');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type(newPassword);
  await reach(/^Code of your authenticator/);
  await page.keyboard.type(recovery);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Turn on' }).waitFor();

  await press('Make a key');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('door');
  await page.keyboard.press('Enter');
  await page.locator('.secret').waitFor();
  await press('I have it');
  await press('Revoke');
  await page.getByRole('dialog').waitFor();
  await press('Revoke');
  await page.getByText('never used').waitFor({ state: 'detached' });
  await held('revoking a key');
});

test('the account is deleted', { skip: why }, async () => {
  await press('Delete my account');
  await page.getByRole('dialog').waitFor();
  await reach(/^Type ada to show/);
  await page.keyboard.type('ada');
  await reach('Your password');
  await page.keyboard.type(newPassword);
  await page.keyboard.press('Enter');
  await page.getByText('The account and everything in it are deleted.').waitFor();
  await held('deleting the account');
  assert.deepEqual(await watched.refusals(), []);
  assert.deepEqual(watched.faults, []);
});
