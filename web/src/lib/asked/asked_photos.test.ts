import { afterEach, beforeEach, expect, test } from 'vitest';
import { asked, AskedPhotos } from './asked_photos';

const photo = (name: string) => new File(['x'], name);
const named = async (photos: AskedPhotos<string>) => (await photos.list()).map(({ file, note }) => `${file.name} ${note}`);

/** Another tab of the same browser, as far as what is kept can tell. */
function otherTab<T>(work: () => T): T {
  const own = sessionStorage.getItem('faceforge.tab');
  sessionStorage.setItem('faceforge.tab', 'another');
  const result = work();
  sessionStorage.setItem('faceforge.tab', own ?? '');
  return result;
}

/** Which tabs are open, as far as a browser tells; over plain http it does not. */
function haveLocks(held: LockInfo[] | null) {
  const locks = held && {
    request: (name: string) => void held.push({ name, mode: 'shared', clientId: '' }),
    query: async () => ({ held, pending: [] }),
  };
  Object.assign(navigator, { locks: locks ?? undefined });
}

beforeEach(async () => {
  sessionStorage.setItem('faceforge.tab', 'this');
  haveLocks([]);
  await (await asked.open()).clear('photos');
});
afterEach(() => haveLocks(null));

test('photos of a page are there again in their order, with what is known of each', async () => {
  const photos = new AskedPhotos<string>(1, 2, 'many');
  const id = await photos.add(photo('a.jpg'), 'waiting');
  await photos.add(photo('b.jpg'), 'waiting');
  await photos.note(id ?? 0, 'answered');
  expect(await named(new AskedPhotos<string>(1, 2, 'many'))).toEqual(['a.jpg answered', 'b.jpg waiting']);
});

test('another account, gallery, page or tab has its own', async () => {
  await new AskedPhotos<string>(1, 2, 'one').add(photo('a.jpg'), '');
  const others = [new AskedPhotos<string>(9, 2, 'one'), new AskedPhotos<string>(1, 9, 'one'), new AskedPhotos<string>(1, 2, 'many')];
  for (const other of [...others, otherTab(() => new AskedPhotos<string>(1, 2, 'one'))]) expect(await other.list()).toEqual([]);
});

test('clearing a page leaves the others', async () => {
  const one = new AskedPhotos<string>(1, 2, 'one');
  const many = new AskedPhotos<string>(1, 2, 'many');
  await one.add(photo('a.jpg'), '');
  await many.add(photo('b.jpg'), '');
  await one.clear();
  expect(await one.list()).toEqual([]);
  expect(await named(many)).toEqual(['b.jpg ']);
});

test('of two photos that take each other\'s place the later one stays', async () => {
  const photos = new AskedPhotos<string>(1, 2, 'one');
  await Promise.all([photos.replace(photo('a.jpg'), ''), photos.replace(photo('b.jpg'), '')]);
  expect(await named(photos)).toEqual(['b.jpg ']);
});

test('whoever logs out leaves nothing in any tab, and nothing of others goes', async () => {
  const here = new AskedPhotos<string>(1, 2, 'one');
  const elsewhere = otherTab(() => new AskedPhotos<string>(1, 2, 'one'));
  const ofAnother = new AskedPhotos<string>(12, 2, 'one');
  for (const photos of [here, elsewhere, ofAnother]) await photos.add(photo('a.jpg'), '');
  await asked.leave(1);
  expect(await here.list()).toEqual([]);
  expect(await elsewhere.list()).toEqual([]);
  expect(await ofAnother.list()).toHaveLength(1);
});

test('the photos of a tab that was closed are forgotten when another is opened', async () => {
  const here = new AskedPhotos<string>(1, 2, 'one');
  const closed = otherTab(() => new AskedPhotos<string>(1, 2, 'one'));
  await here.add(photo('a.jpg'), '');
  await closed.add(photo('b.jpg'), '');
  await asked.start();
  expect(await here.list()).toHaveLength(1);
  expect(await closed.list()).toEqual([]);
});

test('where closed tabs cannot be told from open ones, nothing is kept', async () => {
  const photos = new AskedPhotos<string>(1, 2, 'one');
  await photos.add(photo('a.jpg'), '');
  haveLocks(null);
  expect(await photos.add(photo('b.jpg'), '')).toBeNull();
  expect(await photos.replace(photo('b.jpg'), '')).toBeNull();
  expect(await photos.list()).toEqual([]);
  await asked.start();
  expect(await (await asked.open()).count('photos')).toBe(0);
});
