import { zipSync } from 'fflate';
import { expect, test } from 'vitest';
import { gatherDrop, gatherFiles, personOf, type GatherLimits } from './gather';

const limits: GatherLimits = { files: 100, bytes: 1e6, photo_bytes: 1000 };
const file = (name: string, bytes = 10) => new File([new Uint8Array(bytes)], name);

function inFolder(path: string, bytes?: number) {
  const made = file(path.split('/').at(-1) ?? path, bytes);
  Object.defineProperty(made, 'webkitRelativePath', { value: path });
  return made;
}

interface Tree {
  [name: string]: Tree | number;
}
/** A dropped folder, as browsers hand it out: a few names at a time. */
function entryOf(name: string, tree: Tree | number, parent = ''): unknown {
  const fullPath = `${parent}/${name}`;
  if (typeof tree === 'number') {
    return { isDirectory: false, fullPath, name, file: (resolve: (made: File) => void) => resolve(file(name, tree)) };
  }
  const inner = Object.entries(tree).map(([child, below]) => entryOf(child, below, fullPath));
  const createReader = () => {
    const left = [...inner];
    return { readEntries: (resolve: (some: unknown[]) => void) => resolve(left.splice(0, 2)) };
  };
  return { isDirectory: true, fullPath, name, createReader };
}
const dropped = (...entries: unknown[]) =>
  Object.assign(entries.map((entry) => ({ webkitGetAsEntry: () => entry }))) as unknown as DataTransferItemList;
const shown = (photos: { person_name: string; file: File }[]) => photos.map(({ person_name, file: one }) => `${person_name}: ${one.name}`).sort();

test('the folder that a photo lies in says whose it is', () => {
  expect(personOf('Family/Ada_Lovelace/1.jpg')).toBe('Ada Lovelace');
  expect(personOf('1.jpg')).toBeNull();
});

test('a dropped folder is walked to its end', async () => {
  const tree = { Ada: { '1.jpg': 5, '2.JPG': 5, '3.png': 5 }, Bob: { 'x.webp': 5, '.DS_Store': 5, 'notes.txt': 5 } };
  const { photos, loose, skipped, cut } = await gatherDrop(dropped(entryOf('Family', tree), entryOf('me.jpg', 5)), limits);
  expect(shown(photos)).toEqual(['Ada: 1.jpg', 'Ada: 2.JPG', 'Ada: 3.png', 'Bob: x.webp']);
  expect(loose.map((one) => one.name)).toEqual(['me.jpg']);
  expect(skipped).toEqual(['Family/Bob/notes.txt']);
  expect(cut).toBe(false);
});

test('a chosen folder gives the same', async () => {
  const { photos } = await gatherFiles([inFolder('Family/Ada/1.jpg'), inFolder('Family/Bob/2.jpg')], limits);
  expect(shown(photos)).toEqual(['Ada: 1.jpg', 'Bob: 2.jpg']);
});

test('a zip is unpacked photo by photo, packed or only stored', async () => {
  const bytes = zipSync({
    'Family/Ada/1.jpg': new Uint8Array(300).fill(7),
    'Family/Bob/2.png': [new Uint8Array(20).fill(9), { level: 0 }],
    '__MACOSX/Family/Ada/._1.jpg': new Uint8Array(5),
    'Family/readme.md': new Uint8Array(5),
  });
  const { photos, skipped } = await gatherFiles([new File([bytes as Uint8Array<ArrayBuffer>], 'all.zip')], limits);
  expect(shown(photos)).toEqual(['Ada: 1.jpg', 'Bob: 2.png']);
  expect(new Uint8Array(await (photos[0]?.file ?? file('')).arrayBuffer())).toEqual(new Uint8Array(300).fill(7));
  expect(photos[0]?.file.type).toBe('image/jpeg');
  expect(skipped).toEqual(['Family/readme.md']);
});

test('a photo over the limit stays out, also one that a zip made small', async () => {
  const bytes = zipSync({ 'Ada/bomb.jpg': new Uint8Array(100_000), 'Ada/1.jpg': new Uint8Array(10) });
  const zip = new File([bytes as Uint8Array<ArrayBuffer>], 'all.zip');
  const { photos, skipped } = await gatherFiles([zip, inFolder('Bob/large.jpg', 1001)], limits);
  expect(shown(photos)).toEqual(['Ada: 1.jpg']);
  expect(skipped).toEqual(['Ada/bomb.jpg', 'Bob/large.jpg']);
});

test('no more is gathered than fits', async () => {
  const many = Array.from({ length: 5 }, (_, index) => inFolder(`Ada/${index}.jpg`));
  expect(await gatherFiles(many, { ...limits, files: 3 })).toMatchObject({ cut: true, photos: { length: 3 } });
  expect(await gatherFiles(many, { ...limits, bytes: 25 })).toMatchObject({ cut: true, photos: { length: 2 } });
});

test('a zip that ends too early says so', async () => {
  const whole = zipSync({ 'Ada/1.jpg': Uint8Array.from({ length: 900 }, (_, index) => (index * index) % 97) });
  const zip = new File([whole.slice(0, whole.length / 2) as Uint8Array<ArrayBuffer>], 'all.zip');
  await expect(gatherFiles([zip], limits)).rejects.toMatchObject({ reason: 'zip_damaged' });
});
