import { api, namedFacesMax, type NamingReport, type Person } from './api';
import type { Owner } from './moves';

/** What became of faces that were named. */
export interface Named {
  /** Whose photos they are; null where none was taken and the person would have been new. */
  person: Person | null;
  taken_count: number;
  refused: Extract<NamingReport['results'][number], { outcome: 'refused' }>['error'][];
}

/**
 * Makes unknown faces photos of a person, or of a new one, in as many requests as it takes.
 *
 * fails: as `nameFaces`, with nothing taken; once some are, the rest of the faces stay unknown
 */
export async function nameFaces(galleryId: number, faces: number[], owner: Owner): Promise<Named> {
  const named: Named = { person: null, taken_count: 0, refused: [] };
  for (let begin = 0; begin < faces.length; begin += namedFacesMax) {
    const id = owner.id ?? named.person?.id;
    const whose = id === undefined ? { name: owner.name } : { person_id: id };
    const report = await api.nameFaces(galleryId, faces.slice(begin, begin + namedFacesMax), whose);
    named.person = report.person ?? named.person;
    named.taken_count += report.taken_count;
    for (const result of report.results) if (result.outcome === 'refused') named.refused.push(result.error);
  }
  return named;
}
