// Chapters of the film: the account's own pages, and what is shown where something is not there.
import { authenticatorCode } from './authenticator.mjs';
import { password } from './film_stage.mjs';

/** The account: sessions, password, second factor, keys, deletion. It is one of its own. */
export async function account(stage) {
  const { page, context } = stage;
  const before = await context.cookies();
  await context.clearCookies();
  const name = `grace-${Date.now() % 10_000}`;
  await stage.api('POST', '/auth/signup', { data: { name, password } });
  const elsewhere = await stage.browser.newContext({ userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1' });
  await elsewhere.request.post(`${stage.address}/api/v1/auth/login`, { headers: { Origin: stage.address }, data: { name, password } });
  await stage.go('/account');
  await stage.says('Safari');
  await stage.shot('c0-account');
  await page.getByLabel('Current password').fill('not this one');
  await page.getByLabel('New password', { exact: true }).fill('another long and good one');
  await stage.button('Change it').click();
  await page.getByRole('alert').waitFor();
  await stage.shot('c1-password-refused');
  await stage.button('Turn on').click();
  await stage.dialog.getByLabel('Your password').fill(password);
  await stage.shot('c2-factor-password');
  await stage.button('Go on').click();
  await page.getByRole('img', { name: 'QR code of the key' }).waitFor();
  await stage.shot('c3-factor-qr');
  const key = (await page.locator('.key').innerText()).replaceAll(' ', '');
  await page.getByLabel('Code', { exact: true }).fill(authenticatorCode(key));
  await stage.button('Go on').click();
  await stage.says('Keep these recovery codes');
  await stage.shot('c4-recovery-codes');
  await stage.button('I have it').click();
  await stage.says('On. 10 recovery codes are left.');
  await stage.shot('c5-factor-on');
  await stage.button('New recovery codes').click();
  await stage.shot('c6-new-codes');
  await page.keyboard.press('Escape');
  await stage.button('Make a key').click();
  await page.getByLabel('Name', { exact: true }).fill('door camera');
  await stage.shot('c7-make-key');
  await stage.button('Make a key', stage.dialog).click();
  await page.locator('.secret').waitFor();
  await stage.shot('c8-key-once');
  await stage.button('I have it').click();
  await stage.button('Revoke').click();
  await stage.shot('c9-revoke-key');
  await page.keyboard.press('Escape');
  await stage.button('Delete my account').click();
  await stage.dialog.getByLabel('Your password').waitFor();
  await stage.shot('d0-delete-account');
  await page.keyboard.press('Escape');
  await context.clearCookies();
  await stage.go('/');
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await stage.button('Log in').click();
  await page.getByLabel('Code of your authenticator, or a recovery code').fill('000000');
  await stage.button('Log in').click();
  await page.getByRole('alert').waitFor();
  await stage.shot('d1-code-wrong');
  await elsewhere.close();
  await context.clearCookies();
  await context.addCookies(before);
}

/** What is not there, a server that is away, a session that ended. */
export async function errors(stage) {
  const { page, context } = stage;
  await stage.go('/nowhere');
  await page.getByRole('heading', { name: /does not exist/ }).waitFor();
  await stage.shot('e0-no-page');
  await stage.go('/galleries/999');
  await page.getByRole('heading', { name: /does not exist/ }).waitFor();
  await stage.shot('e1-no-gallery');
  await stage.go(`/galleries/${stage.world}/people/999`);
  await page.getByRole('heading', { name: /does not exist/ }).waitFor();
  await stage.shot('e2-no-person');
  await stage.goGallery(stage.world, 'people');
  await stage.withoutServer(async () => {
    await page.getByRole('navigation').getByRole('link', { name: 'Train', exact: true }).click();
    await page.getByRole('alert').first().waitFor();
    await stage.shot('e3-offline-train');
    await page.getByRole('link', { name: 'Galleries' }).click();
    await page.getByRole('alert').first().waitFor();
    await stage.shot('e4-offline-galleries');
  });
  await page.route('**/api/v1/galleries?*', (route) => new Promise(() => {}));
  await page.reload();
  await page.waitForTimeout(800);
  await stage.shot('e5-loading');
  await page.unroute('**/api/v1/galleries?*');
  const session = await context.cookies();
  await stage.go('/');
  await page.getByRole('article').first().waitFor();
  await context.clearCookies();
  await page.getByRole('link', { name: 'World stage', exact: false }).first().click();
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  await stage.shot('e6-session-over');
  await context.addCookies(session);
}
