import { beforeEach, expect, test, vi } from 'vitest';
import { api, Refusal, type Person } from './api';
import { changes } from './changes.svelte';
import { mergePeople, movePhotos } from './moves';
import { toasts } from './toasts.svelte';

/** A gallery: whose each photo is. */
let photos: Map<number, number>;
let people: Map<number, string>;
const person = (id: number) => ({ id, name: people.get(id) ?? '' }) as Person;
const missing = () => new Refusal('person_not_found', 'there is none', 'not_found');
const of = (id: number) => [...photos].filter(([, owner]) => owner === id).map(([photo]) => photo);

beforeEach(() => {
  toasts.list = [];
  people = new Map([[1, 'Ada'], [2, 'Bob'], [3, 'Cleo']]);
  photos = new Map([[10, 1], [11, 1], [12, 1], [20, 2]]);
  vi.spyOn(api, 'movePhotos').mockImplementation(async (_, to, ids) => {
    if (!people.has(to)) throw missing();
    if (ids.some((id) => !photos.has(id))) throw new Refusal('photo_not_found', 'there is none', 'not_found');
    for (const id of ids) photos.set(id, to);
    return person(to);
  });
  vi.spyOn(api, 'createPerson').mockImplementation(async (_, name, ids = []) => {
    const id = Math.max(...people.keys()) + 1;
    people.set(id, name);
    await api.movePhotos(1, id, ids);
    return person(id);
  });
  vi.spyOn(api, 'mergePerson').mockImplementation(async (_, id, into) => {
    const photo_ids = of(id);
    for (const photo of photo_ids) photos.set(photo, into);
    people.delete(id);
    return { person: person(into), photo_ids, sighting_ids: [70, 71] };
  });
  vi.spyOn(api, 'movePhotosBack').mockImplementation(async (_, from, to, ids, mergeIfEmptied) => {
    if (!people.has(to)) throw missing();
    const back = ids.filter((id) => photos.get(id) === from);
    for (const id of back) photos.set(id, to);
    if (mergeIfEmptied && of(from).length === 0) people.delete(from);
    return back;
  });
  vi.spyOn(api, 'unmergePerson').mockImplementation(async (_, into, name, ids) => {
    if (!people.has(into)) throw missing();
    const back = ids.filter((id) => photos.get(id) === into);
    if (back.length > 0 || ids.length === 0) await api.createPerson(1, name, back);
    return back;
  });
});

const undo = () => toasts.list.findLast((toast) => toast.undo)?.undo?.();
const told = () => toasts.list.filter((toast) => toast.tone === 'bad').map((toast) => toast.words);
const undone = async () => {
  const before = changes.count;
  undo();
  await vi.waitFor(() => expect(changes.count).toBe(before + 1));
};

test('a move is undone, and pages are told to read anew', async () => {
  await movePhotos(1, person(1), { id: 2, name: 'Bob' }, [10, 11]);
  expect(of(2)).toEqual([10, 11, 20]);
  await undone();
  expect(of(1)).toEqual([10, 11, 12]);
  expect(told()).toEqual([]);
});

test('of a move the photos that were moved on or deleted since stay so, and the rest comes back', async () => {
  await movePhotos(1, person(1), { id: 2, name: 'Bob' }, [10, 11, 12]);
  photos.set(11, 3);
  photos.delete(12);
  await undone();
  expect(of(1)).toEqual([10]);
  expect(of(3)).toEqual([11]);
  expect(told()).toEqual(['2 photos were moved on or deleted since, and stay as they are.']);
});

test('a person who was split off goes again, unless they have other photos by now', async () => {
  await movePhotos(1, person(1), { id: null, name: 'Dora' }, [10]);
  await undone();
  expect([...people.values()]).toEqual(['Ada', 'Bob', 'Cleo']);
  await movePhotos(1, person(1), { id: null, name: 'Dora' }, [10]);
  photos.set(20, 4);
  await undone();
  expect(of(1)).toEqual([10, 11, 12]);
  expect(of(4)).toEqual([20]);
});

test('a merge is undone with the photos that are still there', async () => {
  await mergePeople(1, person(1), person(2));
  photos.delete(10);
  await undone();
  expect(of(4)).toEqual([11, 12]);
  expect(people.get(4)).toBe('Ada');
  expect(api.unmergePerson).toHaveBeenLastCalledWith(1, 2, 'Ada', [10, 11, 12], [70, 71]);
  expect(told()).toEqual(['1 photo was moved on or deleted since, and stays as it is.']);
});

test('of a merge into somebody who was deleted since nothing comes back, and it is told', async () => {
  await mergePeople(1, person(1), person(2));
  people.delete(2);
  await undone();
  expect([...people.values()]).toEqual(['Cleo']);
  expect(told()).toEqual(['3 photos were moved on or deleted since, and stay as they are.']);
});

test('of people who are gone nothing comes back, and it is told', async () => {
  await movePhotos(1, person(1), { id: 2, name: 'Bob' }, [10]);
  people.delete(2);
  photos.delete(10);
  await undone();
  expect(told()).toHaveLength(1);
  await movePhotos(1, person(1), { id: 3, name: 'Cleo' }, [11]);
  people.delete(1);
  await undone();
  expect(told()).toEqual(['1 photo was moved on or deleted since, and stays as it is.', 'There is none']);
});
