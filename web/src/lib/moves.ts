import { api, isMissing, wordsFor, type Person } from './api';
import { changes } from './changes.svelte';
import { toasts } from './toasts.svelte';
import { t } from '../texts';

/** Whose photos shall be; without an id it is a new person. */
export interface Owner {
  id: number | null;
  name: string;
}

/**
 * Says what was done, with a button that undoes it.
 *
 * in:    `undo` gives how many photos it had to leave as they are
 */
export function offerUndo(words: string, undo: () => Promise<number>) {
  const act = async () => {
    try {
      const left = await undo();
      if (left > 0) toasts.say(t('undo.left', { count: left }), { tone: 'bad' });
    } catch (error) {
      toasts.say(wordsFor(error), { tone: 'bad' });
    }
    ++changes.count;
  };
  toasts.say(words, { undo: () => void act() });
}

/**
 * Moves photos from one person to another, or to a new one who is split off, and offers to undo it. Photos that were
 * moved on or deleted meanwhile stay as they are then.
 *
 * fails: as `movePhotos` and `createPerson` do; nothing has moved then
 */
export async function movePhotos(galleryId: number, from: Person, to: Owner, photoIds: number[]): Promise<void> {
  const isSplit = to.id === null;
  const made = to.id === null ? await api.createPerson(galleryId, to.name, photoIds) : await api.movePhotos(galleryId, to.id, photoIds);
  offerUndo(t(isSplit ? 'move.split' : 'move.done', { count: photoIds.length, name: to.name }), async () => {
    // A person who was split off for these photos alone goes with them.
    const back = await api.movePhotosBack(galleryId, made.id, from.id, photoIds, isSplit);
    return photoIds.length - back.length;
  });
}

/**
 * Merges a person into another, and offers to undo it, as `movePhotos` does.
 *
 * fails: as `mergePerson` does; nothing has moved then
 */
export async function mergePeople(galleryId: number, from: Person, into: Person): Promise<void> {
  const { photo_ids, sighting_ids } = await api.mergePerson(galleryId, from.id, into.id);
  offerUndo(t('merge.done', { name: from.name, person: into.name }), async () => {
    try {
      const back = await api.unmergePerson(galleryId, into.id, from.name, photo_ids, sighting_ids);
      return photo_ids.length - back.length;
    } catch (error) {
      if (isMissing(error)) return photo_ids.length; // who had them was deleted, with all of them
      throw error;
    }
  });
}
