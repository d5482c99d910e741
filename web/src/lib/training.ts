import type { Gallery, VersionReport } from './api';
import { similarityText } from './format';
import { t } from '../texts';

export type VersionPhoto = VersionReport['people'][number]['photos'][number];

/** Why a training left a photo out. */
export function whyLeftOut(photo: VersionPhoto) {
  if (photo.standing === 'unusable') return t('left_out.unusable');
  if (photo.similarity === null) return t('left_out.unlike');
  return t('left_out.unlike_by', { similarity: similarityText(photo.similarity) });
}

export type TrainingState = 'empty' | 'untrained' | 'changed' | 'trained';

/** Where a gallery stands. */
export function stateOf(gallery: Gallery): TrainingState {
  if (gallery.latest_version === null) return gallery.photo_count === 0 ? 'empty' : 'untrained';
  return gallery.untrained_photo_count > 0 ? 'changed' : 'trained';
}

export interface Changes {
  newPeople: string[];
  /** Photos of people whom the version before knew too. */
  grown: { name: string; photos: number }[];
  newPhotos: number;
  newlyLeftOut: number;
}

/** What a version has that the one before it had not. */
export function changesBetween(before: VersionReport, after: VersionReport): Changes {
  const known = new Map(before.people.map((person) => [person.id, person]));
  const changes: Changes = { newPeople: [], grown: [], newPhotos: 0, newlyLeftOut: 0 };
  for (const person of after.people) {
    const seen = new Map(known.get(person.id)?.photos.map((photo) => [photo.id, photo.standing]));
    const added = person.photos.filter((photo) => !seen.has(photo.id)).length;
    changes.newPhotos += added;
    changes.newlyLeftOut += person.photos.filter((photo) => photo.standing !== 'used' && (seen.get(photo.id) ?? 'used') === 'used').length;
    if (!known.has(person.id)) changes.newPeople.push(person.name);
    else if (added > 0) changes.grown.push({ name: person.name, photos: added });
  }
  return changes;
}
