import { expect, test } from 'vitest';
import type { Gallery, Version, VersionReport } from './api';
import { changesBetween, stateOf } from './training';

const time = '2026-01-01T00:00:00Z';
const gallery = (photo_count: number, latest_version: number | null, untrained_photo_count: number): Gallery => ({
  id: 1, name: 'Family', created_at: time, person_count: 1, photo_count, latest_version, version_in_use: latest_version, revision: 0,
  trained_at: latest_version === null ? null : time, untrained_photo_count,
  answered_by: latest_version === null ? null : { pack_id: 'p', model_id: 'm', is_former: false, is_chosen: false },
  recording: { is_on: false, kept_days: 30 }, sighting_count: 0, unknown_face_count: 0,
});
const version: Version = {
  number: 1, trained_at: time, person_count: 1, photo_count: 3, flagged_count: 1, unusable_count: 1, has_head: false, head_trial: null,
  pack_id: 'p', model_id: 'm',
};
type Photo = VersionReport['people'][number]['photos'][number];
const photo = (id: number, standing: Photo['standing'] = 'used', similarity: number | null = 0.6): Photo => ({
  id, file_name: `${id}.jpg`, standing, similarity,
});
const report = (people: Record<string, Photo[]>): VersionReport => ({
  ...version,
  people: Object.entries(people).map(([name, photos], index) => ({ id: index + 1, name, photo_count: photos.length, spread: 0, photos })),
});

test('a gallery is empty, not trained, changed since or trained', () => {
  expect(stateOf(gallery(0, null, 0))).toBe('empty');
  expect(stateOf(gallery(2, null, 2))).toBe('untrained');
  expect(stateOf(gallery(5, 1, 0))).toBe('trained');
  expect(stateOf(gallery(6, 1, 1))).toBe('changed');
});

test('what a version has that the one before had not is told by person', () => {
  const before = report({ Ada: [photo(1), photo(2)] });
  const after = report({ Ada: [photo(1, 'flagged'), photo(2), photo(3)], Bob: [photo(4)] });
  expect(changesBetween(before, after)).toEqual({
    newPeople: ['Bob'], grown: [{ name: 'Ada', photos: 1 }], newPhotos: 2, newlyLeftOut: 1,
  });
});
