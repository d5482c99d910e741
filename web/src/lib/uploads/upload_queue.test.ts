import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal, type Photo } from '../api';
import { limits, UploadQueue, type Outcome, type UploadServer } from './upload_queue.svelte';
import { UploadStore } from './upload_store';

const ada = 7;
const photo = (name: string, bytes = 10) => new File([new Uint8Array(bytes)], name, { type: 'image/jpeg' });
const of = (person: string, ...names: string[]) => names.map((name) => ({ person_id: null, person_name: person, file: photo(name) }));

/** A server that keeps what it is sent, and refuses what it has. */
class FakeServer implements UploadServer {
  people = new Map<string, number>();
  made = 0;
  gone = new Set<number>();

  deletePeople() {
    for (const id of this.people.values()) this.gone.add(id);
    this.people.clear();
  }
  photos: string[] = [];
  /** Thrown before, or after, the next photo is kept; a lost answer is the latter. */
  failBefore: Error[] = [];
  failAfter: Error[] = [];

  async person(_: number, name: string) {
    this.people.set(name, this.people.get(name) ?? ++this.made);
    return this.people.get(name) ?? 0;
  }

  async upload(_: number, person_id: number, file: File): Promise<Outcome> {
    if (this.gone.has(person_id)) throw new Refusal('person_not_found', 'gone', 'not_found');
    const before = this.failBefore.shift();
    if (before) throw before;
    if (file.name.startsWith('bad')) return { outcome: 'refused', reason: 'no_face_found', words: 'no face', faces: [] };
    if (this.photos.includes(file.name)) return { outcome: 'refused', reason: 'photo_duplicate', words: 'there', faces: [] };
    this.photos.push(file.name);
    const after = this.failAfter.shift();
    if (after) throw after;
    return { outcome: 'taken', photo: { id: this.photos.length, person_id } as Photo };
  }

  wordsFor = (error: unknown) => String(error);
}

const away = () => new Refusal('unreachable', 'away');
let server: FakeServer;
let queues: UploadQueue[] = [];

function queue() {
  const made = new UploadQueue(new UploadStore(), server);
  queues.push(made);
  return made;
}
const states = (one: UploadQueue) => one.list.map((upload) => upload.state);
const settled = (one: UploadQueue) => vi.waitFor(() => expect(one.open).toHaveLength(0), { timeout: 5000 });

beforeEach(async () => {
  localStorage.clear();
  server = new FakeServer();
  await new UploadStore().listOf(ada).then((left) => new UploadStore().forget(left.map((upload) => upload.id)));
});
afterEach(() => {
  for (const made of queues) made.stop();
  queues = [];
});

test('photos of several people arrive, each person is made once', async () => {
  const one = queue();
  await one.start(ada);
  await one.add(1, [...of('Ada', '1.jpg', '2.jpg', '3.jpg'), ...of('Bob', '4.jpg')]);
  await settled(one);
  expect(server.photos.toSorted()).toEqual(['1.jpg', '2.jpg', '3.jpg', '4.jpg']);
  expect([...server.people.keys()]).toEqual(['Ada', 'Bob']);
  expect(await new UploadStore().listOf(ada)).toEqual([]);
});

test('a refusal stays, says why, and can be sent again', async () => {
  const one = queue();
  await one.start(ada);
  await one.add(1, of('Ada', 'bad.jpg', '1.jpg'));
  await settled(one);
  expect(states(one).toSorted()).toEqual(['refused', 'taken']);
  const refused = one.list.filter((upload) => upload.state === 'refused');
  expect(refused[0]).toMatchObject({ reason: 'no_face_found', words: 'no face' });
  await one.again(refused);
  await settled(one);
  expect(refused[0]?.state).toBe('refused');
  await one.drop(one.list);
  expect(await new UploadStore().listOf(ada)).toEqual([]);
});

test('a paused queue sends nothing, also after a reload, until it goes on', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg', '2.jpg'));
  one.stop();
  const next = queue();
  await next.start(ada);
  expect(states(next)).toEqual(['waiting', 'waiting']);
  expect(server.photos).toEqual([]);
  next.resume();
  await settled(next);
  expect(server.photos).toHaveLength(2);
});

test('a server that is away is asked again, and a photo whose answer was lost is not doubled', async () => {
  server.failBefore = [away()];
  server.failAfter = [away()];
  const one = queue();
  await one.start(ada);
  await one.add(1, of('Ada', '1.jpg', '2.jpg'));
  await vi.waitFor(() => expect(one.trouble).not.toBe(''));
  await settled(one);
  expect(states(one)).toEqual(['taken', 'taken']);
  expect(server.photos.toSorted()).toEqual(['1.jpg', '2.jpg']);
  expect(one.trouble).toBe('');
});

test('what was sent without an answer before a reload is taken when it turns out to be there', async () => {
  const one = queue();
  await one.start(ada);
  server.failAfter = [away()];
  await one.add(1, of('Ada', '1.jpg'));
  await vi.waitFor(() => expect(one.trouble).not.toBe(''));
  one.stop();
  const next = queue();
  await next.start(ada);
  await settled(next);
  expect(states(next)).toEqual(['taken']);
  expect(server.photos).toEqual(['1.jpg']);
});

test('the very photo that is there already is refused when it is new to the queue', async () => {
  server.photos = ['1.jpg'];
  const one = queue();
  await one.start(ada);
  await one.add(1, of('Ada', '1.jpg'));
  await settled(one);
  expect(one.list[0]).toMatchObject({ state: 'refused', reason: 'photo_duplicate' });
});

test('what another window sent without an answer is taken when it turns out to be there', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg'));
  const two = queue();
  await two.start(ada);
  // As of the first window, which is closed after it has sent the photo and before it is answered.
  server.photos = ['1.jpg'];
  await new UploadStore().change(one.list[0]?.id ?? 0, { attempted: true, person_id: 1 });
  two.resume();
  await settled(two);
  expect(states(two)).toEqual(['taken']);
});

test('what another window was refused is not sent again', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg'));
  const two = queue();
  await two.start(ada);
  await new UploadStore().change(one.list[0]?.id ?? 0, { refusal: { reason: 'no_face_found', words: 'no face', faces: [] } });
  two.resume();
  await settled(two);
  expect(two.list[0]).toMatchObject({ state: 'refused', reason: 'no_face_found' });
  expect(server.photos).toEqual([]);
  await two.again(two.list);
  await settled(two);
  expect(states(two)).toEqual(['taken']);
});

test('a photo is not sent with the session of whoever has logged in meanwhile', async () => {
  const one = queue();
  let known: (id: number) => void = () => {};
  server.person = () => new Promise((resolve) => (known = resolve));
  await one.start(ada);
  await one.add(1, of('Ada', '1.jpg'));
  await vi.waitFor(() => expect(states(one)).toEqual(['sending']));
  const sent = vi.spyOn(server, 'upload');
  await new Promise((done) => setTimeout(done, 50));
  await one.start(ada + 1);
  known(1);
  await new Promise((done) => setTimeout(done, 50));
  expect(sent).not.toHaveBeenCalled();
  await one.start(ada);
  await settled(one);
  expect(states(one)).toEqual(['taken']);
});

test('a browser that keeps nothing any more sends all the same, and nothing is thrown', async () => {
  const store = new UploadStore();
  const one = new UploadQueue(store, server);
  queues.push(one);
  const broken = new DOMException('the disk is gone', 'UnknownError');
  vi.stubGlobal('navigator', { storage: { estimate: () => Promise.reject(broken) } });
  await one.start(ada);
  one.pause();
  expect(await one.add(1, of('Ada', '1.jpg', 'bad.jpg'))).toBe(true);
  vi.spyOn(store, 'change').mockRejectedValue(broken);
  vi.spyOn(store, 'forget').mockRejectedValue(broken);
  await one.drop(one.list);
  expect(one.trouble).toContain('the disk is gone');
  expect(one.list).toHaveLength(2);
  one.resume();
  await settled(one);
  expect(states(one)).toEqual(['taken', 'refused']);
  await one.again(one.list);
  await settled(one);
  vi.unstubAllGlobals();
});

test('photos of a name that are dropped again, or tried again, go to whoever has it now', async () => {
  const one = queue();
  await one.start(ada);
  await one.add(1, of('Ada', 'wrong.jpg'));
  await settled(one);
  server.deletePeople();
  await one.add(1, of('Ada', '1.jpg', '2.jpg'));
  await settled(one);
  expect(server.photos).toEqual(expect.arrayContaining(['1.jpg', '2.jpg']));
  expect(server.people.get('Ada')).toBe(2);

  one.pause();
  await one.add(1, of('Ada', '3.jpg', '4.jpg'));
  server.deletePeople(); // and while photos wait: those do not make them anew by themselves
  await new UploadStore().change(one.open[0]?.id ?? 0, { person_id: 2 });
  await new UploadStore().change(one.open[1]?.id ?? 0, { person_id: 2 });
  one.resume();
  await settled(one);
  const refused = () => one.list.filter((upload) => upload.state === 'refused');
  expect(refused().map(({ reason }) => reason)).toEqual(['person_not_found', 'person_not_found']);
  await one.again(refused());
  await settled(one);
  expect(refused()).toEqual([]);
  expect([...server.people]).toEqual([['Ada', 3]]);
});

test('photos of a person who was chosen, and is gone, make nobody', async () => {
  const one = queue();
  await one.start(ada);
  server.gone.add(5);
  await one.add(1, [{ person_id: 5, person_name: 'Ada', file: photo('1.jpg') }]);
  await settled(one);
  await one.again(one.list);
  await settled(one);
  expect(one.list[0]).toMatchObject({ state: 'refused', reason: 'person_not_found' });
  expect(server.people.size).toBe(0);
});

test('a photo that another window took out of the queue is not said to have arrived', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg', '2.jpg'));
  await new UploadStore().forget([one.list[0]?.id ?? 0]);
  one.resume();
  await settled(one);
  expect(one.list.map(({ file_name, state }) => `${file_name} ${state}`)).toEqual(['2.jpg taken']);
});

test('another account sees and sends nothing of it', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg'));
  await one.start(ada + 1);
  expect(one.list).toEqual([]);
});

test('whoever logs out leaves no photo behind in the browser', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  await one.add(1, of('Ada', '1.jpg', '2.jpg'));
  one.stop(); // as when the page finds that the session is over
  await one.forget(ada);
  expect(one.list).toEqual([]);
  expect(await new UploadStore().listOf(ada)).toEqual([]);
});

test('a browser whose disk is full says so, and keeps none of what was added', async () => {
  const store = new UploadStore();
  const one = new UploadQueue(store, server);
  queues.push(one);
  await one.start(ada);
  one.pause();
  const add = store.add.bind(store);
  vi.spyOn(store, 'add').mockImplementationOnce(add).mockRejectedValueOnce(new DOMException('full', 'QuotaExceededError'));
  expect(await one.add(1, of('Ada', '1.jpg', '2.jpg'))).toBe(false);
  expect(one.list).toEqual([]);
  expect(await new UploadStore().listOf(ada)).toEqual([]);
});

test('what does not fit is not taken, and nothing of it', async () => {
  const one = queue();
  await one.start(ada);
  one.pause();
  const many = Array.from({ length: limits.photos + 1 }, () => ({ person_id: 1, person_name: 'Ada', file: photo('x.jpg', 1) }));
  expect(await one.add(1, many)).toBe(false);
  expect(one.list).toEqual([]);
  expect(one.room().photos).toBe(limits.photos);
});
