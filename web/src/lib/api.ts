import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from '../api/schema';
import { isKey, isolated, t, type Key } from '../texts';
import { megabytes } from './format';
import { session, type Session } from './session.svelte';
import { uploading, type OnSent } from './uploading';

const base = '/api/v1';

type Schemas = components['schemas'];
export type ApiError = Schemas['Error'];
export type Gallery = Schemas['Gallery'];
export type Person = Schemas['Person'];
export type Photo = Schemas['Photo'];
export type Version = Schemas['Version'];
export type DuplicateOf = NonNullable<Schemas['RefusedPhoto']['duplicate_of']>;
export type VersionReport = Schemas['VersionReport'];
export type PersonTraining = Schemas['PersonTraining'];
export type DetectedFace = Schemas['DetectedFace'];
export type Job = Schemas['Job'];
export type BoundingBox = Schemas['BoundingBox'];
export type IdentifyReport = Schemas['IdentifyReport'];
export type DetectReport = Schemas['DetectReport'];
export type VerifyReport = Schemas['VerifyReport'];
export type ApiKey = Schemas['ApiKey'];
export type Scope = Schemas['Scopes'][number];
export type ListedSession = Schemas['ListedSession'];
export type VersionCheck = Schemas['VersionCheck'];
export type PackRecommendation = Schemas['PackRecommendation'];
export type Sighting = Schemas['Sighting'];
export type UnknownFace = Schemas['UnknownFace'];
export type UnknownFaces = Schemas['UnknownFaces'];
export type NamingReport = Schemas['NamingReport'];

/** What can be deleted. */
export type Thing =
  | { kind: 'gallery'; gallery: number }
  | { kind: 'person'; gallery: number; person: number }
  | { kind: 'photo'; gallery: number; person: number; photo: number }
  | { kind: 'version'; gallery: number; version: number }
  | { kind: 'faces'; gallery: number; faces: number[] };

/** A refusal of the server, or that it could not be reached. */
export class Refusal extends Error {
  constructor(
    readonly reason: string,
    message: string,
    readonly code: ApiError['code'] | null = null,
  ) {
    super(message);
  }
}

const guard: Middleware = {
  onResponse({ response, request }) {
    // A session that ended meanwhile leads back to the log-in page; a log-in that fails does not.
    const logsIn = new URL(request.url).pathname.startsWith(`${base}/auth/`);
    if (response.status === 401 && !logsIn) session.current = null;
    return response;
  },
};

type Send = (request: Request) => Promise<Response>;

const isTokenWrong = async (response: Response) =>
  response.status === 403 && ((await response.clone().json()) as { error?: ApiError }).error?.reason === 'csrf_token_wrong';

/**
 * Sends what changes something with the token of the session. Another window may have logged out and in since, and the
 * cookie be that of a session which this page does not know: it is asked for then, and the change sent once more, unless
 * it is somebody else's.
 */
function withToken(send: Send): Send {
  return async (request) => {
    const known = session.current;
    if (request.method === 'GET' || !known) return send(request);
    const again = request.clone();
    request.headers.set('X-CSRF-Token', known.csrf_token);
    const response = await send(request);
    if (!(await isTokenWrong(response))) return response;
    if (session.current === known) session.current = await api.session().catch(() => known);
    const present = session.current;
    if (!present || present.csrf_token === known.csrf_token || present.user.id !== known.user.id) return response;
    again.headers.set('X-CSRF-Token', present.csrf_token);
    return send(again);
  };
}

const client = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: 'same-origin',
  fetch: withToken((request) => fetch(request)),
});
client.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

async function unwrap<T>(answer: Promise<Answer<T>>): Promise<T> {
  let settled: Answer<T>;
  try {
    settled = await answer;
  } catch {
    throw new Refusal('unreachable', t('error.unreachable'));
  }
  if (settled.response.ok) return settled.data as T;
  const refusal = (settled.error as { error?: ApiError } | undefined)?.error;
  throw new Refusal(
    refusal?.reason ?? 'unknown',
    refusal?.message ?? t('error.status', { status: settled.response.status }),
    refusal?.code,
  );
}

/** What the server takes of one photo. */
export const photoLimit_bytes = 25_000_000;

/** How many unknown faces the server names at once. */
export const namedFacesMax = 50;

/** Refuses a file that the server would refuse, before it is sent. */
function checkSize(photo: Blob) {
  if (photo.size <= photoLimit_bytes) return;
  throw new Refusal(
    'photo_bytes_too_large',
    t('error.photo_bytes', { size: megabytes(photo.size), limit: megabytes(photoLimit_bytes) }),
    'too_large',
  );
}

/** The last: another account has logged in in another window, and this page is about to know. */
const passingReasons = new Set(['unreachable', 'commit_outcome_unknown', 'csrf_token_wrong']);

/** Whether a refusal passes: the server is away, starting, busy, or does not know whether it has written. */
export function isPassing(problem: unknown) {
  if (!(problem instanceof Refusal)) return false;
  return problem.code === null || problem.code === 'busy' || passingReasons.has(problem.reason);
}

/** Whether the session is over: somebody has to log in. */
export const isLoggedOut = (problem: unknown) => problem instanceof Refusal && problem.code === 'unauthenticated';

/** Whether something is asked for that is not there, or belongs to someone else. */
export const isMissing = (problem: unknown) => problem instanceof Refusal && problem.code === 'not_found';

/** Whether the password was right and a code is needed beside it. */
export const isCodeNeeded = (problem: unknown) => problem instanceof Refusal && problem.reason === 'second_factor_needed';

/** What to do about a refusal, where more can be said than the server does. */
function adviceFor(problem: Error): string {
  if (!(problem instanceof Refusal)) return '';
  const key = [`advice.${problem.reason}`, `advice.code.${problem.code}`].find(isKey);
  return key === undefined ? '' : ` ${t(key as Key & `advice.${string}`)}`;
}

/** What people read when something failed: what happened, and what to do. */
export function wordsFor(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  const words = problem.message.replace(/`([^`]*)`/g, (_, name: string) => `“${isolated(name)}”`);
  const sentence = words.charAt(0).toUpperCase() + words.slice(1);
  const advice = adviceFor(problem);
  return advice !== '' && !/[.!?]$/.test(sentence) ? `${sentence}.${advice}` : sentence + advice;
}

function multipart(fields: Record<string, File>): FormData {
  const form = new FormData();
  for (const [name, file] of Object.entries(fields)) {
    checkSize(file);
    form.append(name, file);
  }
  return form;
}

/** openapi-fetch types a binary field as a string; the body is sent as it is. */
const asBody = (form: FormData) => ({
  body: form as never,
  bodySerializer: (body: unknown) => body as FormData,
});

async function everyPage<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; next: string | null }>) {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await page(cursor);
    all.push(...items);
    cursor = next ?? undefined;
  } while (cursor !== undefined);
  return all;
}

const inGallery = (galleryId: number) => ({ gallery_id: galleryId });
const ofPerson = (galleryId: number, personId: number) => ({ gallery_id: galleryId, person_id: personId });

export const api = {
  signUp: (name: string, password: string) =>
    unwrap(client.POST('/api/v1/auth/signup', { body: { name, password } })),
  /** With the `code` of an authenticator, or a recovery code, where the account has a second factor. */
  logIn: (name: string, password: string, code?: string) =>
    unwrap(client.POST('/api/v1/auth/login', { body: { name, password, code } })),
  logOut: () => unwrap(client.POST('/api/v1/auth/logout')),
  /** The session there is; null when nobody is logged in. */
  session: async (): Promise<Session | null> => {
    const { user, csrf_token } = await unwrap(client.GET('/api/v1/auth/session'));
    return user && csrf_token ? { user, csrf_token } : null;
  },
  /** With a `code` of the authenticator, or a recovery code, where the account has a second factor. */
  changePassword: (current: string, next: string, code?: string) =>
    unwrap(client.PUT('/api/v1/me/password', { body: { current_password: current, new_password: next, code } })),
  deleteAccount: (password: string, code?: string) => unwrap(client.DELETE('/api/v1/me', { body: { password, code } })),
  sessions: async () => (await unwrap(client.GET('/api/v1/me/sessions'))).sessions,
  endSession: (id: number) =>
    unwrap(client.DELETE('/api/v1/me/sessions/{session_id}', { params: { path: { session_id: id } } })),
  secondFactor: () => unwrap(client.GET('/api/v1/me/second-factor')),
  /** Makes the key of an authenticator; it counts once a code of it was confirmed. */
  beginSecondFactor: async (password: string) =>
    (await unwrap(client.POST('/api/v1/me/second-factor', { body: { password } }))).key,
  confirmSecondFactor: async (code: string) =>
    (await unwrap(client.PUT('/api/v1/me/second-factor/confirmation', { body: { code } }))).recovery_codes,
  /** With a `code` of the authenticator, or a recovery code. */
  removeSecondFactor: (password: string, code: string) =>
    unwrap(client.DELETE('/api/v1/me/second-factor', { body: { password, code } })),
  /** New recovery codes; those before count no more. */
  renewRecoveryCodes: async (password: string, code: string) =>
    (await unwrap(client.POST('/api/v1/me/second-factor/recovery-codes', { body: { password, code } }))).recovery_codes,
  apiKeys: async () => (await unwrap(client.GET('/api/v1/me/api-keys'))).api_keys,
  createApiKey: (name: string, scopes: Scope[]) =>
    unwrap(client.POST('/api/v1/me/api-keys', { body: { name, scopes } })),
  revokeApiKey: (id: number) =>
    unwrap(client.DELETE('/api/v1/me/api-keys/{api_key_id}', { params: { path: { api_key_id: id } } })),

  galleries: () =>
    everyPage(async (cursor) => {
      const page = await unwrap(client.GET('/api/v1/galleries', { params: { query: { limit: 200, cursor } } }));
      return { items: page.galleries, next: page.next_cursor };
    }),
  gallery: (id: number) =>
    unwrap(client.GET('/api/v1/galleries/{gallery_id}', { params: { path: inGallery(id) } })),
  createGallery: (name: string) => unwrap(client.POST('/api/v1/galleries', { body: { name } })),
  /** A gallery of the same people and photos, not trained yet. */
  duplicateGallery: (id: number, name: string) =>
    unwrap(client.POST('/api/v1/galleries/{gallery_id}/duplicates', { params: { path: inGallery(id) }, body: { name } })),
  renameGallery: (id: number, name: string) =>
    unwrap(client.PATCH('/api/v1/galleries/{gallery_id}', { params: { path: inGallery(id) }, body: { name } })),
  /** Deletes for good; with `keepalive` also when the page is left meanwhile. */
  remove: async (thing: Thing, keepalive = false): Promise<void> => {
    const gallery = inGallery(thing.gallery);
    if (thing.kind === 'gallery') {
      await unwrap(client.DELETE('/api/v1/galleries/{gallery_id}', { params: { path: gallery }, keepalive }));
    } else if (thing.kind === 'version') {
      const path = { ...gallery, version: thing.version };
      await unwrap(client.DELETE('/api/v1/galleries/{gallery_id}/versions/{version}', { params: { path }, keepalive }));
    } else if (thing.kind === 'faces') {
      const body = { face_ids: thing.faces };
      await unwrap(client.DELETE('/api/v1/galleries/{gallery_id}/unknown-faces', { params: { path: gallery }, body, keepalive }));
    } else if (thing.kind === 'person') {
      const path = ofPerson(thing.gallery, thing.person);
      await unwrap(client.DELETE('/api/v1/galleries/{gallery_id}/people/{person_id}', { params: { path }, keepalive }));
    } else {
      const path = { ...ofPerson(thing.gallery, thing.person), photo_id: thing.photo };
      await unwrap(
        client.DELETE('/api/v1/galleries/{gallery_id}/people/{person_id}/photos/{photo_id}', { params: { path }, keepalive }),
      );
    }
  },

  /** Everybody of a gallery, or whose name has something in it. */
  people: (galleryId: number, name?: string) =>
    everyPage(async (cursor) => {
      const page = await api.somePeople(galleryId, { limit: 200, name, cursor });
      return { items: page.people, next: page.next_cursor };
    }),
  /** A page of people by name, or of those whose name has something in it. */
  somePeople: (galleryId: number, query: { limit: number; name?: string; cursor?: string }) =>
    unwrap(client.GET('/api/v1/galleries/{gallery_id}/people', { params: { path: inGallery(galleryId), query } })),
  person: (galleryId: number, personId: number) =>
    unwrap(
      client.GET('/api/v1/galleries/{gallery_id}/people/{person_id}', {
        params: { path: ofPerson(galleryId, personId) },
      }),
    ),
  /** What the version in use made of a person's photos, and who is most like them. */
  personTraining: (galleryId: number, personId: number) =>
    unwrap(
      client.GET('/api/v1/galleries/{gallery_id}/people/{person_id}/training', {
        params: { path: ofPerson(galleryId, personId) },
      }),
    ),
  /** A new person; with photos they are split off from those who had them. */
  createPerson: (galleryId: number, name: string, photoIds?: number[]) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/people', {
        params: { path: inGallery(galleryId) },
        body: { name, photo_ids: photoIds },
      }),
    ),
  movePhotos: (galleryId: number, toPersonId: number, photoIds: number[]) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/moved-photos', {
        params: { path: ofPerson(galleryId, toPersonId) },
        body: { photo_ids: photoIds },
      }),
    ),
  /**
   * Undoes a move, where photos are still `fromPersonId`'s, and gives those; where no photo of theirs is left, that person is
   * merged into `toPersonId` if `mergeIfEmptied`.
   */
  movePhotosBack: async (galleryId: number, fromPersonId: number, toPersonId: number, photoIds: number[], mergeIfEmptied: boolean) =>
    (
      await unwrap(
        client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/moved-back-photos', {
          params: { path: ofPerson(galleryId, toPersonId) },
          body: { photo_ids: photoIds, from_person_id: fromPersonId, merge_if_emptied: mergeIfEmptied },
        }),
      )
    ).photo_ids,
  /** Makes two people one: `personId` is merged into `intoPersonId`. Gives what moved. */
  mergePerson: (galleryId: number, personId: number, intoPersonId: number) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/merged-people', {
        params: { path: ofPerson(galleryId, intoPersonId) },
        body: { person_id: personId },
      }),
    ),
  /** Undoes a merge, where what moved is still `intoPersonId`'s, and gives those photos. */
  unmergePerson: async (galleryId: number, intoPersonId: number, name: string, photo_ids: number[], sighting_ids: number[]) =>
    (
      await unwrap(
        client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/unmerged-people', {
          params: { path: ofPerson(galleryId, intoPersonId) },
          body: { name, photo_ids, sighting_ids },
        }),
      )
    ).photo_ids,
  renamePerson: (galleryId: number, personId: number, name: string) =>
    unwrap(
      client.PATCH('/api/v1/galleries/{gallery_id}/people/{person_id}', {
        params: { path: ofPerson(galleryId, personId) },
        body: { name },
      }),
    ),

  photos: (galleryId: number, personId: number) =>
    everyPage(async (cursor) => {
      const page = await unwrap(
        client.GET('/api/v1/galleries/{gallery_id}/people/{person_id}/photos', {
          params: { path: ofPerson(galleryId, personId), query: { limit: 200, cursor } },
        }),
      );
      return { items: page.photos, next: page.next_cursor };
    }),
  uploadPhoto: (galleryId: number, personId: number, photo: File, onSent: OnSent) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/photos', {
        params: { path: ofPerson(galleryId, personId) },
        fetch: withToken(uploading(onSent)),
        ...asBody(multipart({ photo })),
      }),
    ),
  cropAddress: (galleryId: number, personId: number, photoId: number) =>
    `${base}/galleries/${galleryId}/people/${personId}/photos/${photoId}/crop`,
  imageAddress: (galleryId: number, personId: number, photoId: number) =>
    `${base}/galleries/${galleryId}/people/${personId}/photos/${photoId}/image`,

  versions: (galleryId: number) =>
    everyPage(async (cursor) => {
      const page = await unwrap(
        client.GET('/api/v1/galleries/{gallery_id}/versions', {
          params: { path: inGallery(galleryId), query: { limit: 200, cursor } },
        }),
      );
      return { items: page.versions, next: page.next_cursor };
    }),
  useVersion: (galleryId: number, number: number) =>
    unwrap(
      client.PUT('/api/v1/galleries/{gallery_id}/version-in-use', {
        params: { path: inGallery(galleryId) },
        body: { number },
      }),
    ),
  train: (galleryId: number, wantsHead = false) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/versions', {
        params: { path: inGallery(galleryId), query: { head: wantsHead } },
      }),
    ),
  version: (galleryId: number, version: number) =>
    unwrap(
      client.GET('/api/v1/galleries/{gallery_id}/versions/{version}', {
        params: { path: { ...inGallery(galleryId), version } },
      }),
    ),
  /** The version held against its own photos. */
  checkVersion: (galleryId: number, version: number) =>
    unwrap(
      client.GET('/api/v1/galleries/{gallery_id}/versions/{version}/check', {
        params: { path: { ...inGallery(galleryId), version } },
      }),
    ),
  modelAddress: (galleryId: number, version: number) =>
    `${base}/galleries/${galleryId}/versions/${version}/model`,

  /** Why a gallery has no live socket for this page; null when it may have one. */
  whyNoLive: async (galleryId: number): Promise<Refusal | null> => {
    try {
      await unwrap(client.GET('/api/v1/galleries/{gallery_id}/live', { params: { path: inGallery(galleryId) } }));
      return null;
    } catch (error) {
      return error instanceof Refusal && error.reason !== 'upgrade_required' ? error : null;
    }
  },

  identify: (galleryId: number, photo: File, falsePositiveRate: number, signal: AbortSignal, onSent: OnSent) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/identify', {
        params: {
          path: inGallery(galleryId),
          query: { false_positive_identification_rate: falsePositiveRate, candidate_count: 3 },
        },
        signal,
        fetch: withToken(uploading(onSent)),
        ...asBody(multipart({ photo })),
      }),
    ),
  /** Of a photo of several faces, `face` is where the one that is meant lies. */
  verify: (
    galleryId: number,
    personId: number,
    photo: File,
    face: BoundingBox | null,
    falseMatchRate: number,
    signal: AbortSignal,
    onSent: OnSent,
  ) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/verify', {
        params: {
          path: inGallery(galleryId),
          query: {
            person_id: personId,
            false_match_rate: falseMatchRate,
            face_box: face ? [face.x, face.y, face.width, face.height].join() : undefined,
          },
        },
        signal,
        fetch: withToken(uploading(onSent)),
        ...asBody(multipart({ photo })),
      }),
    ),
  detect: (photo: File, signal: AbortSignal, onSent: OnSent) =>
    unwrap(client.POST('/api/v1/detect', { signal, fetch: withToken(uploading(onSent)), ...asBody(multipart({ photo })) })),

  setRecording: (galleryId: number, is_on: boolean, kept_days: number) =>
    unwrap(
      client.PUT('/api/v1/galleries/{gallery_id}/recording', {
        params: { path: inGallery(galleryId) },
        body: { is_on, kept_days },
      }),
    ),
  /** Deletes all sightings and unknown faces. */
  deleteRecorded: (galleryId: number) =>
    unwrap(client.DELETE('/api/v1/galleries/{gallery_id}/recording', { params: { path: inGallery(galleryId) } })),
  sightings: async (galleryId: number, cursor?: string) => {
    const params = { path: inGallery(galleryId), query: { limit: 50, cursor } };
    return unwrap(client.GET('/api/v1/galleries/{gallery_id}/sightings', { params }));
  },
  unknownFaces: (galleryId: number) =>
    unwrap(client.GET('/api/v1/galleries/{gallery_id}/unknown-faces', { params: { path: inGallery(galleryId) } })),
  unknownFaceAddress: (galleryId: number, faceId: number) =>
    `${base}/galleries/${galleryId}/unknown-faces/${faceId}/crop`,
  /** Makes unknown faces photos of a person, or of a new one by name; at most `namedFacesMax` at once. */
  nameFaces: (galleryId: number, face_ids: number[], person: { person_id: number } | { name: string }) =>
    unwrap(
      client.POST('/api/v1/galleries/{gallery_id}/named-faces', {
        params: { path: inGallery(galleryId) },
        body: { face_ids, ...person },
      }),
    ),
  /** Makes named faces unknown again where their photos are still that person's; gives those. Then without photos, the person goes. */
  unnameFaces: async (galleryId: number, personId: number, face_ids: number[], delete_if_emptied: boolean) =>
    (
      await unwrap(
        client.POST('/api/v1/galleries/{gallery_id}/people/{person_id}/unnamed-faces', {
          params: { path: ofPerson(galleryId, personId) },
          body: { face_ids, delete_if_emptied },
        }),
      )
    ).face_ids,

  defaultPack: () => unwrap(client.GET('/api/v1/packs/default')),
  packRecommendation: () => unwrap(client.GET('/api/v1/packs/recommendation')),
  jobs: () => unwrap(client.GET('/api/v1/jobs', { params: { query: { limit: 50 } } })),
  cancelJob: (jobId: number) =>
    unwrap(client.POST('/api/v1/jobs/{job_id}/cancel', { params: { path: { job_id: jobId } } })),
};

/**
 * Follows a job until it has ended; `onChange` is called with each state of it. A page that goes away ends it by
 * `signal`: nothing is called any more, and the promise is never settled.
 */
export function watchJob(jobId: number, onChange: (job: Job) => void, signal: AbortSignal): Promise<Job> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return;
    const source = new EventSource(`${base}/jobs/${jobId}/events`);
    signal.addEventListener('abort', () => source.close(), { once: true });
    let failures = 0;
    source.addEventListener('job', (event) => {
      failures = 0;
      const job = JSON.parse((event as MessageEvent<string>).data) as Job;
      onChange(job);
      if (job.state === 'succeeded' || job.state === 'failed' || job.state === 'cancelled') {
        source.close();
        resolve(job);
      }
    });
    source.onerror = () => {
      // The browser reconnects by itself; a server that stays away is given up.
      if (++failures < 5 && source.readyState !== EventSource.CLOSED) return;
      source.close();
      reject(new Refusal('connection_lost', t('error.training_unseen')));
    };
  });
}
