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

/** The ids of a person's photos now; none where the person is gone. */
async function photosOf(galleryId: number, personId: number): Promise<number[]> {
  try {
    return (await api.photos(galleryId, personId)).map((photo) => photo.id);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
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
    const there = await photosOf(galleryId, made.id);
    const back = photoIds.filter((id) => there.includes(id));
    // A person who was split off for these photos alone goes with them.
    if (isSplit && back.length > 0 && back.length === there.length) await api.mergePerson(galleryId, made.id, from.id);
    else if (back.length > 0) await api.movePhotos(galleryId, from.id, back);
    return photoIds.length - back.length;
  });
}

/** A list, unless it is empty: then it is left out of what is sent. */
const someOf = (ids: number[]) => (ids.length > 0 ? ids : undefined);

/**
 * Merges a person into another, and offers to undo it, as `movePhotos` does.
 *
 * fails: as `mergePerson` does; nothing has moved then
 */
export async function mergePeople(galleryId: number, from: Person, into: Person): Promise<void> {
  const { photo_ids, sighting_ids } = await api.mergePerson(galleryId, from.id, into.id);
  offerUndo(t('merge.done', { name: from.name, person: into.name }), async () => {
    const there = await photosOf(galleryId, into.id);
    const back = photo_ids.filter((id) => there.includes(id));
    if (back.length > 0 || photo_ids.length === 0) await api.createPerson(galleryId, from.name, someOf(back), someOf(sighting_ids));
    return photo_ids.length - back.length;
  });
}
