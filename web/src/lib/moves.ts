import { api, wordsFor, type Person } from './api';
import { toasts } from './toasts.svelte';
import { t } from '../texts';

/** Whose photos shall be; without an id it is a new person. */
export interface Owner {
  id: number | null;
  name: string;
}

/** Says what was done, with a button that undoes it; `onchange` is called once it is undone. */
function offerUndo(words: string, undo: () => Promise<unknown>, onchange: () => Promise<void>) {
  toasts.say(words, {
    undo: () => void undo().then(onchange, (error: unknown) => toasts.say(wordsFor(error), { tone: 'bad' })),
  });
}

/**
 * Moves photos from one person to another, or to a new one who is split off, and offers to undo it.
 *
 * in:    `onchange` is called once the move is undone
 * fails: as `movePhotos` and `createPerson` do; nothing has moved then
 */
export async function movePhotos(
  galleryId: number,
  from: Person,
  to: Owner,
  photoIds: number[],
  onchange: () => Promise<void>,
): Promise<void> {
  if (to.id !== null) {
    await api.movePhotos(galleryId, to.id, photoIds);
    const back = () => api.movePhotos(galleryId, from.id, photoIds);
    offerUndo(t('move.done', { count: photoIds.length, name: to.name }), back, onchange);
    return;
  }
  const made = await api.createPerson(galleryId, to.name, photoIds);
  const back = () => api.mergePerson(galleryId, made.id, from.id);
  offerUndo(t('move.split', { count: photoIds.length, name: to.name }), back, onchange);
}

/**
 * Merges a person into another, and offers to undo it.
 *
 * in:    `onchange` is called once the merge is undone
 * fails: as `mergePerson` does; nothing has moved then
 */
export async function mergePeople(
  galleryId: number,
  from: Person,
  into: Person,
  onchange: () => Promise<void>,
): Promise<void> {
  const { photo_ids } = await api.mergePerson(galleryId, from.id, into.id);
  const back = () => api.createPerson(galleryId, from.name, photo_ids.length > 0 ? photo_ids : undefined);
  offerUndo(t('merge.done', { name: from.name, person: into.name }), back, onchange);
}
