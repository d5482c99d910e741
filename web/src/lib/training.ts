import type { Gallery, VersionReport } from './api';

type VersionPhoto = VersionReport['people'][number]['photos'][number];

/** Why a training left a photo out. */
export function whyLeftOut(photo: VersionPhoto) {
  if (photo.standing === 'unusable') return 'no usable face was found';
  const similarity = photo.similarity === null ? '' : ` (similarity ${photo.similarity.toFixed(2)})`;
  return `not like the other photos of this person${similarity}`;
}

/**
 * How many photos were added after a training. What is deleted leaves every version too, so that the photos of the
 * gallery which the version never saw are those that came later.
 */
export function addedSince(gallery: Gallery, report: VersionReport) {
  const seen = report.people.reduce((sum, person) => sum + person.photos.length, 0);
  return Math.max(0, gallery.photo_count - seen);
}
