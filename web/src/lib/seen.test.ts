import { expect, test } from 'vitest';
import { Refusal, type Sighting } from './api';
import { SeenList } from './seen.svelte';

/** A server with sightings of these ids, two a page, those that began last first. */
function serverOf(ids: number[]) {
  const server = {
    ids,
    away: false,
    read: async (_: number, cursor?: string) => {
      if (server.away) throw new Refusal('unreachable', 'away');
      const rest = server.ids.filter((id) => cursor === undefined || id < Number(cursor));
      const sightings = rest.slice(0, 2).map((id) => ({ id }) as Sighting);
      return { sightings, next_cursor: rest.length > 2 ? String(sightings.at(-1)?.id) : null };
    },
  };
  return server;
}
const ids = (list: SeenList) => list.sightings?.map(({ id }) => id);

test('the pages that are shown stay when the list is read again, with who came since', async () => {
  const server = serverOf([5, 4, 3, 2, 1]);
  const list = new SeenList(1, server.read);
  await list.refresh();
  expect(ids(list)).toEqual([5, 4]);
  await list.more();
  expect(ids(list)).toEqual([5, 4, 3, 2]);
  expect(list.isCut).toBe(true);
  server.ids = [6, ...server.ids];
  await list.refresh();
  expect(ids(list)).toEqual([6, 5, 4, 3]);
  await list.more();
  expect(ids(list)).toEqual([6, 5, 4, 3, 2, 1]);
  expect(list.isCut).toBe(false);
});

test('what is shown stays when the server cannot be asked, and what was deleted goes', async () => {
  const server = serverOf([2, 1]);
  const list = new SeenList(1, server.read);
  await list.refresh();
  server.away = true;
  await list.refresh();
  expect(ids(list)).toEqual([2, 1]);
  expect(list.problem).not.toBe('');
  server.away = false;
  server.ids = [];
  await list.refresh();
  expect(ids(list)).toEqual([]);
  expect(list.problem).toBe('');
});
