import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal, type IdentifyReport } from '../api';
import { asked, AskedPhotos } from './asked_photos';
import { Batch, type BatchNote } from './batch.svelte';

const report = { faces: [] as IdentifyReport['faces'] } as IdentifyReport;
const photos = (...names: string[]) => names.map((name) => new File(['x'], name));
const kept = () => new AskedPhotos<BatchNote>(1, 2, 'many');
/** What the server says of a photo: a report, or what it throws first. */
let trouble: Map<string, Error[]>;
let sent: string[];

const batch = (photosKept = kept()) =>
  new Batch(photosKept, async (photo) => {
    sent.push(photo.name);
    const error = trouble.get(photo.name)?.shift();
    if (error) throw error;
    return report;
  });
const answers = (one: Batch) => one.photos.map(({ file_name, isDone, problem }) => `${file_name} ${isDone ? problem || 'fine' : 'waits'}`);

beforeEach(async () => {
  Object.assign(navigator, { locks: {} });
  vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }));
  trouble = new Map();
  sent = [];
  await (await asked.open()).clear('photos');
});
afterEach(() => {
  Object.assign(navigator, { locks: undefined });
  vi.unstubAllGlobals();
});

test.each([
  ['that is away', new Refusal('unreachable', 'The server is away')],
  ['that is busy', new Refusal('recognition_busy', 'Busy', 'busy')],
  ['whose session is over', new Refusal('login_required', 'Log in', 'unauthenticated')],
])('a server %s ends the run, and no photo counts as answered for that, nor after a reload', async (_, refusal) => {
  trouble.set('b.jpg', [refusal]);
  trouble.set('c.jpg', [refusal]);
  const one = batch();
  await one.add(photos('a.jpg', 'b.jpg', 'c.jpg', 'd.jpg'));
  expect(answers(one)).toEqual(['a.jpg fine', 'b.jpg waits', 'c.jpg waits', 'd.jpg waits']);
  expect(one.trouble).toContain(refusal.message);
  expect(one.isUnderway).toBe(false);
  one.close();

  trouble.clear();
  sent = [];
  const next = batch();
  await next.restore();
  expect(sent.toSorted()).toEqual(['b.jpg', 'c.jpg', 'd.jpg']);
  expect(next.done).toBe(4);
  expect(next.trouble).toBe('');
});

test('a refusal for the photo\'s own sake is its answer, and can be asked again alone', async () => {
  trouble.set('a.jpg', [new Refusal('image_damaged', 'Damaged', 'invalid_input')]);
  const one = batch();
  await one.add(photos('a.jpg', 'b.jpg'));
  expect(answers(one)).toEqual([expect.stringContaining('a.jpg Damaged'), 'b.jpg fine']);
  expect(one.failed).toBe(1);
  sent = [];
  await one.again('failed');
  expect(sent).toEqual(['a.jpg']);
  expect(answers(one)).toEqual(['a.jpg fine', 'b.jpg fine']);
  sent = [];
  await one.again('all');
  expect(sent.toSorted()).toEqual(['a.jpg', 'b.jpg']);
});

test('what is cleared while photos are still being kept does not come back', async () => {
  const slow = kept();
  const { add } = slow;
  let goOn = () => {};
  slow.add = async (file, note) => {
    if (file.name === 'b.jpg') await new Promise<void>((done) => (goOn = done));
    return add(file, note);
  };
  const one = batch(slow);
  const adding = one.add(photos('a.jpg', 'b.jpg', 'c.jpg'));
  await vi.waitFor(() => expect(one.photos).toHaveLength(1));
  await one.clear();
  goOn();
  await adding;
  expect(one.photos).toEqual([]);
  expect(sent).toEqual([]);
  expect(await kept().list()).toEqual([]);
});
