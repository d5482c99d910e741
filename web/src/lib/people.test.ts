import { beforeEach, afterEach, expect, test, vi } from 'vitest';
import { Refusal, type Person } from './api';
import { PeopleList, type ReadPeople } from './people.svelte';

const person = (name: string): Person => ({
  id: name.charCodeAt(0), name, created_at: '2026-01-01T00:00:00Z', photo_count: 1, cover_photo_id: null, is_trained: false,
});

/** A server with people of these names, paged as the real one. */
const serverOf = (names: string[]) =>
  vi.fn<ReadPeople>(async (_, { limit, name = '', cursor = '' }) => {
    const rest = names.filter((one) => one > cursor && one.includes(name));
    const page = rest.slice(0, limit);
    return { people: page.map(person), next_cursor: rest.length > limit ? (page.at(-1) ?? null) : null };
  });
const shown = (list: PeopleList) => list.people?.map(({ name }) => name).join('');

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('people come a page at a time, and what is shown is read anew as a whole', async () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const list = new PeopleList(1, 2, serverOf(names));
  await list.refresh();
  expect([shown(list), list.isCut]).toEqual(['ab', true]);
  await list.more();
  expect([shown(list), list.isCut]).toEqual(['abcd', true]);
  names.splice(0, 1);
  await list.refresh();
  expect([shown(list), list.isCut]).toEqual(['bcde', false]);
});

test('a name is looked for once the typing rests, and what was found before is no part of it', async () => {
  const server = serverOf(['ab', 'ac', 'bb', 'cb']);
  const list = new PeopleList(1, 2, server);
  await list.refresh();
  list.find('a');
  list.find('b');
  await vi.advanceTimersByTimeAsync(200);
  expect(server).toHaveBeenCalledTimes(2);
  expect([shown(list), list.isCut]).toEqual(['abbb', true]);
  await list.more();
  expect([shown(list), list.isCut]).toEqual(['abbbcb', false]);
});

test('an answer that comes after a newer question is not shown', async () => {
  const answers: ((names: string[]) => void)[] = [];
  const list = new PeopleList(1, 2, () =>
    new Promise((resolve) => answers.push((names) => resolve({ people: names.map(person), next_cursor: null }))),
  );
  const first = list.refresh();
  const second = list.refresh();
  answers[1]?.(['b']);
  answers[0]?.(['a']);
  await Promise.all([first, second]);
  expect(shown(list)).toBe('b');
});

test('what is shown stays when the server cannot be asked', async () => {
  const server = serverOf(['a']);
  const list = new PeopleList(1, 2, server);
  await list.refresh();
  server.mockRejectedValueOnce(new Refusal('unreachable', 'The server cannot be reached.'));
  await list.refresh();
  expect([shown(list), list.problem]).toEqual(['a', 'The server cannot be reached.']);
  await list.refresh();
  expect(list.problem).toBe('');
});
