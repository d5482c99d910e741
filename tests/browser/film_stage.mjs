// What the film of the pages is played on: an account with galleries of people of LFW, and a page to look at.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { passBy, photo } from './browser.mjs';
import { startServer } from './server.mjs';

export const password = 'three red herons at dawn';

/** Whom the galleries hold, each with their first photos. */
const people = ['Andre_Agassi', 'Ana_Guevara', 'Colin_Powell', 'Condoleezza_Rice', 'Halle_Berry', 'Hugo_Chavez', 'Serena_Williams', 'Vladimir_Putin'];
const nameOf = (person) => person.replaceAll('_', ' ');

const actor = (person, number, more = {}) => ({ name: nameOf(person), photo: photo(person, number), at: [0.5, 0.48], side_px: 420, ...more });
const left = { at: [0.27, 0.46], side_px: 330, reach_px: 20 };
const right = { at: [0.73, 0.5], side_px: 330, reach_px: 20, phase: 0.5 };

export class Stage {
  /** Before the camera: somebody who is known, a stranger, both. */
  static webcamScenes = [
    [actor('Hugo_Chavez', 5, { reach_px: 15 })], [actor('Hugo_Chavez', 5, { reach_px: 15 })], [actor('Bill_Gates', 5)],
    [actor('Serena_Williams', 6, left), actor('Bill_Gates', 6, right)],
  ];

  constructor({ browser, server, folder, scratch, viewport }) {
    Object.assign(this, { browser, server, folder, scratch, viewport });
  }

  get address() {
    return this.server.address;
  }

  /** Asks the API as the page's session does. */
  async api(method, path, given = {}) {
    const { request } = this.context;
    const { csrf_token } = await (await request.get(`${this.address}/api/v1/auth/session`)).json();
    const headers = { Origin: this.address, ...(csrf_token ? { 'X-CSRF-Token': csrf_token } : {}) };
    const answer = await request.fetch(`${this.address}/api/v1${path}`, { method, headers, timeout: 120_000, ...given });
    assert.ok(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? null : answer.json();
  }

  async addPhoto(gallery, person, file) {
    const sent = { name: file.split('/').at(-1), mimeType: 'image/jpeg', buffer: readFileSync(file) };
    return this.api('POST', `/galleries/${gallery}/people/${person}/photos`, { multipart: { photo: sent } });
  }

  /** A person with photos of LFW: of whom, and which. */
  async addPerson(gallery, name, person, numbers) {
    const { id } = await this.api('POST', `/galleries/${gallery}/people`, { data: { name } });
    for (const number of numbers) await this.addPhoto(gallery, id, photo(person, number));
    return id;
  }

  async addGallery(name, members) {
    const { id } = await this.api('POST', '/galleries', { data: { name } });
    for (const [who, person, numbers] of members) await this.addPerson(id, who, person, numbers);
    return id;
  }

  async train(gallery) {
    const job = await this.api('POST', `/galleries/${gallery}/versions`);
    for (let state = ''; state !== 'succeeded'; ) {
      ({ state } = await this.api('GET', `/jobs/${job.id}`));
      assert.notEqual(state, 'failed');
    }
  }

  /** The account and what every chapter finds. */
  async furnish() {
    this.context = await this.browser.newContext({ acceptDownloads: true, permissions: ['camera', 'clipboard-write'], viewport: this.viewport });
    await this.api('POST', '/auth/signup', { data: { name: 'ada', password } });
    const members = people.map((person) => [nameOf(person), person, [1, 2, 3, 4]]);
    this.world = await this.addGallery('World stage', members);
    const hugo = (await this.api('GET', `/galleries/${this.world}/people?name=Hugo`)).people[0].id;
    await this.addPhoto(this.world, hugo, photo('Aaron_Peirsol', 1)); // somebody else's: training leaves it out
    this.hugo = hugo;
    await this.train(this.world);
    this.twins = await this.addGallery('One man, two names', [['Colin Powell', 'Colin_Powell', [1, 2, 3]], ['General Powell', 'Colin_Powell', [4, 5, 6]]]);
    await this.train(this.twins);
    this.door = await this.addGallery('Front door', [['Hugo Chavez', 'Hugo_Chavez', [1, 2, 3]], ['Serena Williams', 'Serena_Williams', [1, 2, 3]]]);
    await this.train(this.door);
    this.club = await this.addGallery('Members of the chess club “Zum weißen Springer”, founded 1911', [['Halle Berry', 'Halle_Berry', [1, 2]]]);
    this.empty = await this.addGallery('New', []);
  }

  /** A new page; `prepare` sees it before anything is shown. */
  async open(look, prepare) {
    this.look = look;
    this.page = await this.context.newPage();
    this.page.setDefaultTimeout(20_000);
    await prepare?.(this.page);
    return this.page;
  }

  async close() {
    await this.page.close();
  }

  go(path) {
    return this.page.goto(this.address + path);
  }

  /** Opens a gallery's part; the rest of the page is there when this ends. */
  async goGallery(gallery, tab = 'people') {
    await this.go(`/galleries/${gallery}?tab=${tab}`);
    await this.page.getByRole('navigation').first().waitFor();
    await this.page.waitForLoadState('networkidle');
  }

  /**
   * Looks at what is shown now.
   *
   * in: `until` waits, after a change of size, for what is to be seen; the whole page, or with `whole: false` the screen
   *     as it is, which is so too where something lies over the page
   */
  async shot(name, { until, whole } = {}) {
    const lies = await this.page.locator('.dialog, .toast, .menu, aside').count();
    await this.look(this.page, name, { until, whole: whole ?? lies === 0 });
  }

  async choose(deed, name = '') {
    await this.page.getByRole('button', { name: new RegExp(`^More for .*${name}`) }).first().click();
    await this.page.getByRole('menuitem', { name: deed }).click();
  }

  button(name, where = this.page) {
    return where.getByRole('button', { name, exact: true });
  }

  get dialog() {
    return this.page.getByRole('dialog');
  }

  says(words) {
    return this.page.getByText(words).first().waitFor({ timeout: 60_000 });
  }

  /** Kills the server and gives what starts it again. */
  async withoutServer(work) {
    const { port, folder } = this.server;
    await this.server.stop('SIGKILL');
    try {
      await work();
    } finally {
      this.server = await startServer({ data: folder, port, extra: ['--pack', 'scrfd500-mbf'] });
    }
  }

  /** Shows photos to a gallery's live socket. */
  async pass(gallery, photos) {
    await passBy(this.browser, this.page, gallery, photos);
  }
}
