import type { VersionCheck } from './api';

export interface Confusion {
  photo_id: number;
  person_id: number;
  similarity: number;
  other_id: number;
  other_similarity: number;
}

/** The photos that are at least as similar to somebody else as to their own person, the worst first. */
export function confusionsOf(check: VersionCheck): Confusion[] {
  return check.photos
    .flatMap(({ photo_id, person_id, similarity, nearest_other }) =>
      nearest_other && nearest_other.similarity >= similarity
        ? [{ photo_id, person_id, similarity, other_id: nearest_other.person_id, other_similarity: nearest_other.similarity }]
        : [],
    )
    .sort((a, b) => b.other_similarity - b.similarity - (a.other_similarity - a.similarity));
}

/** Whose photos (rows) are taken for whom (columns), of those who are confused with anybody. */
export function confusionMatrix(check: VersionCheck) {
  const confusions = confusionsOf(check);
  const people = [...new Set(confusions.flatMap((one) => [one.person_id, one.other_id]))].sort((a, b) => a - b);
  const confused = new Map(confusions.map((one) => [one.photo_id, one.other_id]));
  const counts = new Map<number, Map<number, number>>();
  for (const { photo_id, person_id } of check.photos) {
    if (!people.includes(person_id)) continue;
    const row = counts.get(person_id) ?? new Map<number, number>();
    const taken = confused.get(photo_id) ?? person_id;
    row.set(taken, (row.get(taken) ?? 0) + 1);
    counts.set(person_id, row);
  }
  return { people, counts };
}
