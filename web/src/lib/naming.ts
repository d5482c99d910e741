import { api, namedFacesMax, type NamingReport, type Person } from './api';
import type { Owner } from './moves';

/** What became of faces that were named. */
export interface Named {
  /** Whose photos they are; null where none was taken and the person would have been new. */
  person: Person | null;
  /** The faces that are photos now. */
  taken: number[];
  refused: Extract<NamingReport['results'][number], { outcome: 'refused' }>['error'][];
  /** What ended it before all were asked about; the rest of the faces stay unknown. */
  problem: unknown;
}

/** Follows a naming, and may end it between two requests. */
export interface Following {
  signal: AbortSignal;
  /** Is told how many faces were asked about. */
  onprogress: (done: number) => void;
}

/** The faces by as many as one request takes. */
function* inRequests(faces: number[]) {
  for (let begin = 0; begin < faces.length; begin += namedFacesMax) yield faces.slice(begin, begin + namedFacesMax);
}

/**
 * Makes unknown faces photos of a person, or of a new one, in as many requests as it takes. Ended, the rest of the faces
 * stay unknown.
 *
 * fails: as `nameFaces`, with nothing taken; once some are, the failure is `problem`
 */
export async function nameFaces(galleryId: number, faces: number[], owner: Owner, following?: Following): Promise<Named> {
  const named: Named = { person: null, taken: [], refused: [], problem: null };
  for (const some of inRequests(faces)) {
    if (following?.signal.aborted) break;
    const id = owner.id ?? named.person?.id;
    try {
      const report = await api.nameFaces(galleryId, some, id === undefined ? { name: owner.name } : { person_id: id });
      named.person = report.person ?? named.person;
      for (const result of report.results) {
        if (result.outcome === 'refused') named.refused.push(result.error);
        else named.taken.push(result.face_id);
      }
      following?.onprogress(named.taken.length + named.refused.length);
    } catch (error) {
      if (named.taken.length === 0) throw error;
      named.problem = error;
      break;
    }
  }
  return named;
}

/** How many were refused for each reason, in the words of the first of them. */
export function byReason(refused: Named['refused']): { count: number; why: string }[] {
  const found = new Map<string, { count: number; why: string }>();
  for (const { reason, message } of refused) {
    const known = found.get(reason) ?? { count: 0, why: message };
    found.set(reason, { ...known, count: known.count + 1 });
  }
  return [...found.values()];
}

/**
 * Makes named faces unknown again. A person who was made for them goes too, unless they have other photos by now.
 *
 * out:   how many stay photos, because they were moved on or deleted since
 * fails: as `unnameFaces`
 */
export async function undoNaming(galleryId: number, person: Person, taken: number[], isNew: boolean): Promise<number> {
  let left = taken.length;
  const requests = [...inRequests(taken)];
  for (const some of requests) {
    const isLast = some === requests.at(-1);
    left -= (await api.unnameFaces(galleryId, person.id, some, isNew && isLast)).length;
  }
  return left;
}
