import { expect, test } from 'vitest';
import type { VersionCheck } from './api';
import { confusionMatrix, confusionsOf } from './check';

const photo = (photo_id: number, person_id: number, similarity: number, other?: [number, number]): VersionCheck['photos'][number] => ({
  photo_id, person_id, similarity, nearest_other: other ? { person_id: other[0], similarity: other[1] } : null,
});
const check: VersionCheck = {
  checkable_photo_count: 5,
  photos: [photo(1, 1, 0.7, [2, 0.2]), photo(2, 1, 0.3, [2, 0.4]), photo(3, 2, 0.2, [1, 0.6]), photo(4, 3, 0.9), photo(5, 2, 0.5, [3, 0.1])],
  look_alikes: [],
  promises: [],
  match_promises: [],
};

test('photos that are more like somebody else are told, the worst first', () => {
  expect(confusionsOf(check).map((one) => [one.photo_id, one.other_id])).toEqual([[3, 1], [2, 2]]);
});

test('the matrix has whoever is confused, and counts their other photos as their own', () => {
  const { people, counts } = confusionMatrix(check);
  expect(people).toEqual([1, 2]);
  expect([...(counts.get(1) ?? [])]).toEqual([[1, 1], [2, 1]]);
  expect([...(counts.get(2) ?? [])]).toEqual([[1, 1], [2, 1]]);
  expect(counts.has(3)).toBe(false);
});
