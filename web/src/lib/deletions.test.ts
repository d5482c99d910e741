import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Refusal, type Thing } from './api';
import { Deletions, slack_ms } from './deletions.svelte';
import { session } from './session.svelte';
import { toasts, undo_ms } from './toasts.svelte';

const gallery: Thing = { kind: 'gallery', gallery: 3 };
const photo: Thing = { kind: 'photo', gallery: 3, person: 4, photo: 5 };
const user = { id: 7, name: 'ada', role: 'user' as const, created_at: '2026-01-01T00:00:00Z' };

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  toasts.list = [];
  session.current = { user, csrf_token: 'token' };
});
afterEach(() => vi.useRealTimers());

test('what is deleted is hidden at once, and gone ten seconds later', async () => {
  const remove = vi.fn(async () => {});
  const deletions = new Deletions(remove);
  deletions.add(gallery, 'Family');
  expect(deletions.hides(gallery)).toBe(true);
  expect(deletions.hides(photo)).toBe(true);
  expect(deletions.hides({ kind: 'gallery', gallery: 33 })).toBe(false);
  await vi.advanceTimersByTimeAsync(undo_ms - 1);
  expect(remove).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(remove).toHaveBeenCalledExactlyOnceWith(gallery, false);
  expect(deletions.hides(gallery)).toBe(true);
});

test('what is undone stays', async () => {
  const remove = vi.fn(async () => {});
  const deletions = new Deletions(remove);
  deletions.add(photo, 'a.jpg');
  deletions.undo(deletions.waiting[0]?.key ?? '');
  await vi.advanceTimersByTimeAsync(2 * undo_ms);
  expect(remove).not.toHaveBeenCalled();
  expect(deletions.hides(photo)).toBe(false);
  expect(localStorage.getItem('faceforge.deletions')).toBeNull();
});

test('leaving the page carries out what waits, in a way that outlives the page', async () => {
  const remove = vi.fn(async () => {});
  const deletions = new Deletions(remove);
  deletions.add(gallery, 'Family');
  await deletions.leave(true);
  expect(remove).toHaveBeenCalledExactlyOnceWith(gallery, true);
  await vi.advanceTimersByTimeAsync(2 * undo_ms);
  expect(remove).toHaveBeenCalledOnce();
});

test('what could not be sent any more is carried out on the next visit, of the same account only', async () => {
  new Deletions(() => new Promise(() => {})).add(gallery, 'Family');
  const remove = vi.fn(async () => {});
  session.current = { user: { ...user, id: 8 }, csrf_token: 'token' };
  await new Deletions(remove).finish();
  expect(remove).not.toHaveBeenCalled();
  session.current = { user, csrf_token: 'token' };
  await new Deletions(remove).finish();
  await vi.advanceTimersByTimeAsync(undo_ms);
  expect(remove).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(slack_ms);
  expect(remove).toHaveBeenCalledExactlyOnceWith(gallery, false);
  expect(toasts.list).toHaveLength(1);
  expect(localStorage.getItem('faceforge.deletions')).toBeNull();
});

test('what the page could not send while it was left is carried out at once on the next visit', async () => {
  const left = new Deletions((thing) => (thing.kind === 'photo' ? Promise.resolve() : new Promise(() => {})));
  left.add(photo, 'a.jpg');
  left.add({ kind: 'gallery', gallery: 9 }, 'Friends');
  void left.leave(true);
  await vi.advanceTimersByTimeAsync(0);
  const remove = vi.fn(async () => {});
  await new Deletions(remove).finish();
  expect(remove).toHaveBeenCalledExactlyOnceWith({ kind: 'gallery', gallery: 9 }, false);
});

test('what waits in one window is left alone by another, where it can still be undone', async () => {
  const [removeThere, removeHere] = [vi.fn(async () => {}), vi.fn(async () => {})];
  const there = new Deletions(removeThere);
  there.add(photo, 'a.jpg');
  const here = new Deletions(removeHere);
  await here.finish();
  expect(here.hides(photo)).toBe(false);
  there.undo(there.waiting[0]?.key ?? '');
  await vi.advanceTimersByTimeAsync(3 * undo_ms);
  expect(removeThere).not.toHaveBeenCalled();
  expect(removeHere).not.toHaveBeenCalled();
});

test('what one window keeps is not forgotten by another', async () => {
  new Deletions(() => new Promise(() => {})).add(photo, 'a.jpg');
  const here = new Deletions(async () => {});
  here.add({ kind: 'gallery', gallery: 9 }, 'Friends');
  here.undo(here.waiting[0]?.key ?? '');
  const remove = vi.fn(async () => {});
  await new Deletions(remove).finish();
  await vi.advanceTimersByTimeAsync(undo_ms + slack_ms);
  expect(remove).toHaveBeenCalledExactlyOnceWith(photo, false);
});

test('a deletion that fails brings the thing back and says why; one of what is gone already does not', async () => {
  let refusal = new Refusal('unreachable', 'The server cannot be reached.');
  const deletions = new Deletions(async () => {
    throw refusal;
  });
  deletions.add(gallery, 'Family');
  await vi.advanceTimersByTimeAsync(undo_ms);
  expect(deletions.hides(gallery)).toBe(false);
  expect(toasts.list[0]?.words).toContain('The server cannot be reached.');
  refusal = new Refusal('gallery_not_found', 'there is none', 'not_found');
  deletions.add(gallery, 'Family');
  await vi.advanceTimersByTimeAsync(undo_ms);
  expect(deletions.hides(gallery)).toBe(true);
});

test('before a training, what waits in that gallery is carried out', async () => {
  const remove = vi.fn(async () => {});
  const deletions = new Deletions(remove);
  deletions.add(photo, 'a.jpg');
  deletions.add({ kind: 'photo', gallery: 30, person: 4, photo: 5 }, 'b.jpg');
  await deletions.flush(3);
  expect(remove).toHaveBeenCalledExactlyOnceWith(photo, false);
});

test('a face is hidden among the several that are deleted together', () => {
  const deletions = new Deletions(async () => {});
  const faces = (...ids: number[]): Thing => ({ kind: 'faces', gallery: 3, faces: ids });
  deletions.add(faces(12, 3), 'two faces');
  expect(deletions.hides(faces(12))).toBe(true);
  expect(deletions.hides(faces(3))).toBe(true);
  expect(deletions.hides(faces(1))).toBe(false);
  expect(deletions.hides({ kind: 'faces', gallery: 33, faces: [3] })).toBe(false);
  expect(deletions.hides(photo)).toBe(false);
});

test('storage that holds something else is no obstacle', async () => {
  localStorage.setItem('faceforge.deletions', '{not json');
  await expect(new Deletions(async () => {}).finish()).resolves.toBeUndefined();
});
