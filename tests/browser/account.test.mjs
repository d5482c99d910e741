// The account: where it is logged in, and codes of an authenticator beside the password.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { authenticatorCode } from './authenticator.mjs';
import { launch, sweepPage, watch, why } from './browser.mjs';
import { startServer } from './server.mjs';

let password = 'three red herons at dawn';
const changed = 'four grey cranes at dusk';
let server;
let browser;
let page;
let watched;

before(async () => {
  if (why) return;
  server = await startServer();
  browser = await launch();
  page = await (await browser.newContext({ acceptDownloads: true })).newPage();
  page.setDefaultTimeout(15_000);
  watched = watch(page);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

async function logIn(where) {
  await where.goto(server.address);
  await where.getByLabel('Name', { exact: true }).fill('ada');
  await where.getByLabel('Password', { exact: true }).fill(password);
  await where.getByRole('button', { name: 'Log in' }).click();
}

async function logOut() {
  await page.getByRole('button', { name: /^Menu of/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
}

test('a session somewhere else is seen, and ended', { skip: why }, async () => {
  await page.goto(server.address);
  await page.getByRole('button', { name: 'Make an account' }).click();
  await page.getByLabel('Name', { exact: true }).fill('ada');
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign up' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  const elsewhere = await (await browser.newContext()).newPage();
  await logIn(elsewhere);
  await elsewhere.getByRole('heading', { name: 'Galleries' }).waitFor();
  await page.goto(`${server.address}/account`);
  await page.getByText('Chrome, Linux').nth(1).waitFor();
  assert.equal(await page.getByText('here', { exact: true }).count(), 1);
  await sweepPage(page, '30-sessions');
  await page.getByRole('button', { name: 'End this session' }).click();
  await page.getByRole('button', { name: 'End this session' }).waitFor({ state: 'detached' });
  await elsewhere.reload();
  await elsewhere.getByRole('heading', { name: 'Log in' }).waitFor();
});

test('a page whose session another window has replaced goes on as if nothing was', { skip: why }, async () => {
  const elsewhere = await page.context().newPage();
  await elsewhere.goto(server.address);
  await elsewhere.getByRole('button', { name: /^Menu of/ }).click();
  await elsewhere.getByRole('menuitem', { name: 'Log out' }).click();
  await logIn(elsewhere);
  await elsewhere.getByRole('heading', { name: 'Galleries' }).waitFor();
  await elsewhere.close();
  await page.getByRole('link', { name: 'FaceForge' }).click();
  await page.getByRole('button', { name: 'Make the first one' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('Family');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Family' }).waitFor();
  assert.ok((await watched.refusals()).some((one) => one === 'POST /api/v1/galleries 403'), 'the first try was refused');
  await page.goto(`${server.address}/account`);
});

test('with an authenticator the password alone opens nothing, and a recovery code stands in for it', { skip: why }, async () => {
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.getByLabel('Your password').fill(password);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('img', { name: 'QR code of the key' }).waitFor();
  await sweepPage(page, '31-second-factor');
  const key = (await page.locator('.key').innerText()).replaceAll(' ', '');
  await page.getByLabel('Code', { exact: true }).fill(authenticatorCode(key));
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByText('Keep these recovery codes').waitFor();
  await sweepPage(page, '32-recovery-codes');
  const codes = async () => page.locator('.codes code').allInnerTexts();
  const [recovery] = await codes();
  await page.keyboard.press('Escape');
  assert.deepEqual((await codes())[0], recovery, 'what is shown this once stays until it is kept');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('On. 10 recovery codes are left.').waitFor();
  await logOut();
  await logIn(page);
  const code = page.getByLabel('Code of your authenticator, or a recovery code');
  await code.waitFor();
  assert.ok(await code.evaluate((input) => input === document.activeElement), 'the code is all that is left to type');
  await sweepPage(page, '33-code');
  await code.fill('000000');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').waitFor();
  await code.fill(recovery);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  await page.goto(`${server.address}/account`);
  await page.getByText('On. 9 recovery codes are left.').waitFor();
  const dialog = page.getByRole('dialog');
  const fill = async (code) => {
    await dialog.getByLabel('Your password').fill(password);
    await dialog.getByLabel('Code of your authenticator, or a recovery code').fill(code);
  };
  await page.getByRole('button', { name: 'New recovery codes' }).click();
  await fill(authenticatorCode(key, Date.now() + 30_000)); // the present one may have been used
  await sweepPage(page, '34-new-recovery-codes');
  await dialog.getByRole('button', { name: 'Make new codes' }).click();
  await page.getByText('Keep these recovery codes').waitFor();
  const [renewed, another] = await codes();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('On. 10 recovery codes are left.').waitFor();
  await page.getByLabel('Current password').fill(password);
  await page.getByLabel('New password', { exact: true }).fill(changed);
  await page.getByRole('button', { name: 'Change it' }).click();
  await code.waitFor();
  assert.ok(await code.evaluate((input) => input === document.activeElement), 'the code is all that is left to type');
  await code.fill(recovery);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.getByText('The code is wrong').waitFor();
  await sweepPage(page, '35-password-and-code');
  await code.fill(another);
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.getByText('The password is changed').waitFor();
  assert.equal(await code.count(), 0);
  password = changed;
  await page.getByRole('button', { name: 'Delete my account' }).click();
  await dialog.getByLabel(/^Type .*ada.* to show/).fill('ada');
  await dialog.getByLabel('Your password').fill(password);
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await dialog.getByLabel('Code of your authenticator, or a recovery code').fill(recovery);
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await dialog.getByRole('alert').waitFor();
  await sweepPage(page, '35b-delete-with-code');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Turn off' }).click();
  await fill(recovery);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await dialog.getByRole('alert').waitFor();
  await sweepPage(page, '36-turn-off');
  await fill(renewed);
  await dialog.getByRole('button', { name: 'Turn off' }).click();
  await page.getByRole('button', { name: 'Turn on' }).waitFor();
  await logOut();
  await logIn(page);
  await page.getByRole('heading', { name: 'Galleries' }).waitFor();
  assert.deepEqual(watched.faults, []);
});
