import { isLoggedOut, isPassing, Refusal, type BoundingBox, type DuplicateOf, type Photo } from '../api';
import { kept } from '../kept';
import type { OnSent } from '../uploading';
import type { StoredUpload, UploadRefusal, UploadStore } from './upload_store';

/** A photo of the queue, as it is shown. */
export interface Upload {
  id: number;
  gallery_id: number;
  person_id: number | null;
  person_name: string;
  /** Whether it belongs to whoever has that name, and `person_id` is only who that was. */
  by_name: boolean;
  file_name: string;
  file_bytes: number;
  state: 'waiting' | 'sending' | 'taken' | 'refused';
  /** What part of it has been sent. */
  sent: number;
  attempted: boolean;
  photo?: Photo;
  reason?: string;
  words?: string;
  faces?: BoundingBox[];
  /** The photo of the gallery that this one is already. */
  duplicate_of?: DuplicateOf;
  /** How long the server took for it. */
  took_s?: number;
}

/** What is to be uploaded. */
export interface Wanted {
  person_id: number | null;
  person_name: string;
  file: File;
}

export type Outcome = { outcome: 'taken'; photo: Photo } | ({ outcome: 'refused' } & UploadRefusal);

/** What the queue asks of the server. */
export interface UploadServer {
  /** The person of that name, made where there is none. */
  person(galleryId: number, name: string): Promise<number>;
  upload(galleryId: number, personId: number, file: File, onSent: OnSent): Promise<Outcome>;
  /** What people read of an error. */
  wordsFor(error: unknown): string;
}

export const limits = { photos: 5000, bytes: 4_000_000_000 };
const atOnce = 2;
const patience_ms = { first: 1000, most: 30_000 };
const pausedKey = 'faceforge.uploads.paused';

/**
 * Photos on their way to the server. They are kept in the browser until the server has taken or refused each of them:
 * a reload, a lost connection or a server that is started again interrupts the queue, and it goes on by itself. No photo
 * is doubled, for the server knows the photos of a gallery by their bytes: one that was sent before without an answer
 * and is there now, is taken.
 */
export class UploadQueue {
  list = $state<Upload[]>([]);
  paused = $state(kept.read(pausedKey) !== null);
  /** When the server is asked again, while it is away; what it said. */
  waitsUntil_ms = $state(0);
  trouble = $state('');
  #user: number | null = null;
  #running = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #people = new Map<string, Promise<number>>();
  #listeners = new Set<(upload: Upload) => void>();

  constructor(
    private readonly store: UploadStore,
    private readonly server: UploadServer,
  ) {}

  readonly open = $derived(this.list.filter((upload) => upload.state === 'waiting' || upload.state === 'sending'));

  /** Takes up what an earlier visit of this account left. */
  async start(userId: number) {
    if (this.#user === userId) return;
    this.stop();
    this.#user = userId;
    const left = await this.store.listOf(userId).catch(() => []);
    if (this.#user !== userId) return;
    const here = new Set(this.list.map((upload) => upload.id));
    this.list.push(...left.filter((stored) => !here.has(stored.id)).map(shown));
    this.#go();
  }

  /** Shows and sends nothing any more, for a session that ended. What is kept waits for the account to come back. */
  stop() {
    this.#user = null;
    this.list = [];
    this.#people.clear();
    clearTimeout(this.#timer);
    this.trouble = '';
    this.waitsUntil_ms = this.#failures = 0;
  }

  /** Leaves nothing of an account in the browser, for whoever logs out, whether or not the queue still is that account's. */
  async forget(userId: number) {
    if (this.#user === userId) this.stop();
    const left = await this.store.listOf(userId).catch(() => []);
    await this.store.forget(left.map((stored) => stored.id));
  }

  /** Calls when a photo was taken, until the function that this gives is called. */
  onTaken(listener: (upload: Upload) => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** How many photos and bytes the queue still has room for; the browser may have less. */
  room() {
    const waiting = this.list.filter((upload) => upload.state !== 'taken');
    const bytes = waiting.reduce((sum, upload) => sum + upload.file_bytes, 0);
    return { photos: limits.photos - waiting.length, bytes: limits.bytes - bytes };
  }

  /** Keeps photos and begins to send them. Gives false where there is no room for all; then what was not sent yet is not kept. */
  async add(galleryId: number, wanted: Wanted[]): Promise<boolean> {
    const user_id = this.#user;
    if (user_id === null) return false;
    const bytes = wanted.reduce((sum, { file }) => sum + file.size, 0);
    const room = this.room();
    if (wanted.length > room.photos || bytes > room.bytes || !(await this.#browserHasRoom(bytes))) return false;
    // Whoever had the name when photos were dropped last may have been deleted, or merged, since.
    for (const { person_id, person_name } of wanted) if (person_id === null) this.#people.delete(keyOf(galleryId, person_name));
    const added: number[] = [];
    for (const { person_id, person_name, file } of wanted) {
      const upload = {
        user_id,
        gallery_id: galleryId,
        person_id,
        person_name,
        by_name: person_id === null,
        file_name: file.name,
        file_bytes: file.size,
        attempted: false,
        refusal: null,
      };
      let id: number;
      try {
        id = await this.store.add(upload, file);
      } catch {
        // The disk is full after all, or this browser keeps nothing.
        await this.drop(this.list.filter((one) => added.includes(one.id)));
        return false;
      }
      if (this.#user !== user_id) return true;
      added.push(id);
      this.list.push(shown({ id, ...upload }));
      this.#go();
    }
    return true;
  }

  pause() {
    this.paused = true;
    kept.write(pausedKey, 'paused');
  }

  resume() {
    this.paused = false;
    kept.forget(pausedKey);
    this.waitsUntil_ms = 0;
    clearTimeout(this.#timer);
    this.#go();
  }

  /** Takes photos out of the queue; what is being sent goes on, and so does what the browser cannot forget now. */
  async drop(uploads: Upload[]) {
    const ids = uploads.filter((upload) => upload.state !== 'sending').map((upload) => upload.id);
    try {
      await this.store.forget(ids); // first, so that what is seen to be gone does not come back with a reload
    } catch (error) {
      this.trouble = this.server.wordsFor(error);
      return;
    }
    this.list = this.list.filter((upload) => !ids.includes(upload.id));
  }

  /** Sends refused photos again; those of a person who is gone go to whoever has the name, or is made of it. */
  async again(uploads: Upload[]) {
    for (const upload of uploads) {
      if (upload.state !== 'refused') continue;
      if (upload.by_name && upload.reason === 'person_not_found') {
        if (upload.person_id !== null) await this.#forgetPerson(upload, upload.person_id);
        upload.person_id = null;
      }
      // First, for what is kept as refused is not sent.
      await this.#keep(upload, { refusal: null, person_id: upload.person_id });
      upload.state = 'waiting';
      upload.reason = upload.words = upload.faces = upload.duplicate_of = undefined;
    }
    this.#go();
  }

  /** The photo; undefined where the browser has it no more. */
  file(upload: Upload): Promise<Blob | undefined> {
    return this.store.file(upload.id).catch(() => undefined);
  }

  #go() {
    while (this.#running < atOnce && !this.paused && this.#user !== null && Date.now() >= this.waitsUntil_ms) {
      const next = this.list.find((upload) => upload.state === 'waiting');
      if (!next) return;
      next.state = 'sending';
      next.sent = 0;
      this.#running++;
      void this.#send(next).finally(() => {
        this.#running--;
        this.#go();
      });
    }
  }

  async #send(upload: Upload) {
    // Two windows of one browser share the queue: each photo is sent by one of them.
    const send = () => this.#sendAlone(upload).catch((error: unknown) => this.#failed(upload, error));
    if (!navigator.locks) return send();
    await navigator.locks.request(`faceforge.upload.${upload.id}`, send);
  }

  async #sendAlone(upload: Upload) {
    const begun_ms = Date.now();
    const stored = await this.store.find(upload.id);
    const blob = await this.store.file(upload.id);
    if (!stored || !blob) {
      // Another window has sent it, or taken it out of the queue: which of them, only that one can tell.
      this.list = this.list.filter((one) => one.id !== upload.id);
      return;
    }
    if (stored.refusal) {
      Object.assign(upload, { state: 'refused', ...stored.refusal }); // and here too
      return;
    }
    if (this.#isOfAnother(stored, upload)) return;
    // As it is kept, for another window may have begun it.
    const before = stored.attempted;
    upload.person_id ??= stored.person_id ?? (await this.#personOf(upload));
    upload.attempted = true;
    await this.#keep(upload, { attempted: true, person_id: upload.person_id });
    if (this.#isOfAnother(stored, upload)) return;
    const file = new File([blob], upload.file_name, { type: blob.type });
    const result = await this.server.upload(upload.gallery_id, upload.person_id, file, (part) => (upload.sent = part));
    this.#failures = 0;
    this.trouble = '';
    upload.took_s = (Date.now() - begun_ms) / 1000;
    if (result.outcome === 'taken' || (before && result.reason === 'photo_duplicate')) {
      if (result.outcome === 'taken') upload.photo = result.photo;
      upload.state = 'taken';
      // One that the browser cannot forget is sent again after a reload, and is then there already.
      await this.store.forget([upload.id]).catch(() => undefined);
      for (const listener of this.#listeners) listener(upload);
      return;
    }
    await this.#refuse(upload, result);
  }

  /** Whether somebody else has logged in since: their session is none to send this with. */
  #isOfAnother(stored: StoredUpload, upload: Upload) {
    if (this.#user === stored.user_id) return false;
    upload.state = 'waiting';
    return true;
  }

  /** Keeps a change for a reload; where the browser keeps nothing, the queue goes on all the same. */
  async #keep(upload: Upload, change: Partial<StoredUpload>) {
    await this.store.change(upload.id, change).catch(() => undefined);
  }

  /** The person of a name is asked for once, however many of their photos wait. */
  #personOf(upload: Upload): Promise<number> {
    const key = keyOf(upload.gallery_id, upload.person_name);
    const known = this.#people.get(key) ?? this.server.person(upload.gallery_id, upload.person_name);
    this.#people.set(key, known);
    known.catch(() => this.#people.delete(key));
    return known;
  }

  /** Asks for the person of a name anew, unless that was done since somebody of it was found to be gone. */
  async #forgetPerson(upload: Upload, gone: number) {
    const key = keyOf(upload.gallery_id, upload.person_name);
    if ((await this.#people.get(key)?.catch(() => gone)) === gone) this.#people.delete(key);
  }

  async #failed(upload: Upload, error: unknown) {
    if (isLoggedOut(error)) {
      upload.state = 'waiting';
      return;
    }
    if (!isPassing(error)) {
      const reason = error instanceof Refusal ? error.reason : 'unknown';
      await this.#refuse(upload, { reason, words: this.server.wordsFor(error), faces: [] });
      return;
    }
    upload.state = 'waiting';
    upload.sent = 0;
    const wait_ms = Math.min(patience_ms.most, patience_ms.first * 2 ** this.#failures++);
    this.trouble = this.server.wordsFor(error);
    this.waitsUntil_ms = Date.now() + wait_ms;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.waitsUntil_ms = 0; // the clock may say that it is a moment too early
      this.#go();
    }, wait_ms);
  }

  async #refuse(upload: Upload, { reason, words, faces, duplicate_of }: UploadRefusal) {
    const refusal = { reason, words, faces, duplicate_of };
    Object.assign(upload, { state: 'refused', ...refusal });
    await this.#keep(upload, { refusal: $state.snapshot(refusal) as UploadRefusal });
  }

  async #browserHasRoom(bytes: number) {
    const estimate = await navigator.storage?.estimate?.().catch(() => undefined);
    if (estimate?.quota === undefined) return true;
    return estimate.quota - (estimate.usage ?? 0) > bytes;
  }
}

const keyOf = (galleryId: number, personName: string) => `${galleryId} ${personName}`;

function shown(stored: StoredUpload): Upload {
  const { id, gallery_id, person_id, person_name, by_name = false, file_name, file_bytes, attempted, refusal } = stored;
  return {
    id, gallery_id, person_id, person_name, by_name, file_name, file_bytes, attempted, sent: 0,
    state: refusal ? 'refused' : 'waiting',
    ...(refusal ?? {}),
  };
}
