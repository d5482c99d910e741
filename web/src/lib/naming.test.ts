import { beforeEach, expect, test, vi } from 'vitest';
import { api, namedFacesMax, Refusal, type Person } from './api';
import { byReason, nameFaces, undoNaming } from './naming';

const cleo = { id: 9, name: 'Cleo', photo_count: 0 } as Person;
const faces = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
let unnamed: number[];

beforeEach(() => {
  unnamed = [];
  vi.spyOn(api, 'nameFaces').mockImplementation(async (_, ids) => ({
    person: cleo, taken_count: ids.length, refused_count: 0,
    results: ids.map((face_id) => ({ face_id, outcome: 'taken' as const, photo: {} as never })),
  }));
  vi.spyOn(api, 'unnameFaces').mockImplementation(async (_, __, ids) => {
    const back = ids.filter((id) => id !== 13); // which was moved on
    unnamed.push(...back);
    return back;
  });
});

test('more faces than one request takes go to the person whom the first one made', async () => {
  const asked = vi.mocked(api.nameFaces);
  asked.mockClear();
  const named = await nameFaces(1, faces(namedFacesMax + 2), { id: null, name: 'Cleo' });
  expect(named.taken).toHaveLength(namedFacesMax + 2);
  expect(asked.mock.calls.map(([, ids, whose]) => [ids.length, whose])).toEqual([[namedFacesMax, { name: 'Cleo' }], [2, { person_id: 9 }]]);
});

test('what was taken before a failure is known, so that it can be undone', async () => {
  vi.mocked(api.nameFaces).mockRejectedValueOnce(new Refusal('unreachable', 'away'));
  await expect(nameFaces(1, faces(3), { id: 9, name: 'Cleo' })).rejects.toMatchObject({ reason: 'unreachable' });
  const first = vi.mocked(api.nameFaces).getMockImplementation();
  vi.mocked(api.nameFaces).mockImplementationOnce(first as never).mockRejectedValueOnce(new Refusal('unreachable', 'away'));
  const named = await nameFaces(1, faces(namedFacesMax + 1), { id: 9, name: 'Cleo' });
  expect(named.taken).toHaveLength(namedFacesMax);
  expect(named.problem).toMatchObject({ reason: 'unreachable' });
});

test('how far it is can be seen, and it can be ended between two requests', async () => {
  vi.mocked(api.nameFaces).mockClear();
  const stop = new AbortController();
  const seen: number[] = [];
  const onprogress = (done: number) => {
    seen.push(done);
    if (seen.length === 2) stop.abort();
  };
  const named = await nameFaces(1, faces(3 * namedFacesMax), { id: 9, name: 'Cleo' }, { signal: stop.signal, onprogress });
  expect(seen).toEqual([namedFacesMax, 2 * namedFacesMax]);
  expect(api.nameFaces).toHaveBeenCalledTimes(2);
  expect(named.taken).toHaveLength(2 * namedFacesMax);
  expect(named.problem).toBeNull();
});

test('faces are refused each for its own reason', () => {
  const refused = (reason: string, message: string) => ({ code: 'conflict' as const, reason, message });
  const all = [refused('photo_duplicate', 'there already'), refused('unknown_face_not_found', 'gone'), refused('photo_duplicate', 'there too')];
  expect(byReason(all)).toEqual([{ count: 2, why: 'there already' }, { count: 1, why: 'gone' }]);
});

test('naming is undone in as many requests, and a person made for it goes with the last where nothing is left', async () => {
  const asked = vi.mocked(api.unnameFaces);
  asked.mockClear();
  expect(await undoNaming(1, cleo, faces(namedFacesMax + 2), true)).toBe(1);
  expect(unnamed).toHaveLength(namedFacesMax + 1);
  expect(asked.mock.calls.map(([, whose, ids, mayGo]) => [whose, ids.length, mayGo])).toEqual([[9, namedFacesMax, false], [9, 2, true]]);
});

test('somebody who was there before the naming stays when it is undone', async () => {
  const asked = vi.mocked(api.unnameFaces);
  asked.mockClear();
  await undoNaming(1, cleo, [1], false);
  expect(asked).toHaveBeenCalledExactlyOnceWith(1, 9, [1], false);
});
