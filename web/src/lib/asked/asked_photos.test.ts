import { beforeEach, expect, test } from 'vitest';
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

beforeEach(async () => {
  sessionStorage.setItem('faceforge.tab', 'this');
  await (await asked.open()).clear('photos');
});

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

test('whoever logs out leaves nothing in this tab', async () => {
  const here = new AskedPhotos<string>(1, 2, 'one');
  const elsewhere = otherTab(() => new AskedPhotos<string>(1, 2, 'one'));
  await here.add(photo('a.jpg'), '');
  await elsewhere.add(photo('b.jpg'), '');
  await asked.leave();
  expect(await here.list()).toEqual([]);
  expect(await elsewhere.list()).toHaveLength(1);
});

test('the photos of a tab that was closed are forgotten when another is opened', async () => {
  const here = new AskedPhotos<string>(1, 2, 'one');
  const closed = otherTab(() => new AskedPhotos<string>(1, 2, 'one'));
  await here.add(photo('a.jpg'), '');
  await closed.add(photo('b.jpg'), '');
  const held: LockInfo[] = [];
  const locks = {
    request: (name: string) => void held.push({ name, mode: 'shared', clientId: '' }),
    query: async () => ({ held, pending: [] }),
  };
  Object.assign(navigator, { locks });
  await asked.start();
  expect(await here.list()).toHaveLength(1);
  expect(await closed.list()).toEqual([]);
  Object.assign(navigator, { locks: undefined });
});
