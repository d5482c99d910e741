import { isLoggedOut, isPassing, wordsFor, type IdentifyReport } from '../api';
import type { BatchRow } from '../csv';
import type { AskedPhotos } from './asked_photos';

/** What is kept of a photo's answer; null while it waits. */
export type BatchNote = Pick<BatchRow, 'report' | 'problem'> | null;

export interface BatchPhoto extends BatchRow {
  file: File;
  /** Where the browser shows it from. */
  address: string;
  isDone: boolean;
  /** Under which it is kept, once it is. */
  keptId: number | null;
}

const atOnce = 2;

/**
 * Many photos that are asked about one after the other. What is refused for a photo's own sake is its answer; what passes
 * ends the run, and the photos that were not answered wait until it goes on.
 */
export class Batch {
  photos = $state<BatchPhoto[]>([]);
  /** Why the last run ended before its end; empty where it did not, or was stopped. */
  trouble = $state('');
  #underway = $state.raw<AbortController | null>(null);
  /** Changes when the photos are not those any more that something was begun for. */
  #round = 0;

  constructor(
    private readonly kept: AskedPhotos<BatchNote>,
    private readonly ask: (photo: File, signal: AbortSignal) => Promise<IdentifyReport>,
  ) {}

  readonly done = $derived(this.photos.filter((photo) => photo.isDone).length);
  readonly failed = $derived(this.photos.filter((photo) => photo.isDone && photo.problem !== '').length);
  get isUnderway() {
    return this.#underway !== null;
  }

  /** Takes up what the page had before it was loaded again. */
  async restore() {
    const round = this.#round;
    const before = await this.kept.list();
    if (round !== this.#round) return;
    const here = new Set(this.photos.map((photo) => photo.keptId));
    this.photos.unshift(...before.filter(({ id }) => !here.has(id)).map(({ id, file, note }) => photoOf(file, id, note)));
    if (!this.isUnderway) await this.run();
  }

  async add(files: File[]) {
    const round = this.#round;
    for (const file of files) {
      const keptId = await this.kept.add(file, null);
      if (round !== this.#round) {
        if (keptId !== null) await this.kept.remove(keptId);
        return;
      }
      this.photos.push(photoOf(file, keptId, null));
    }
    await this.run();
  }

  /** Asks about every photo that has no answer yet. */
  async run() {
    this.stop();
    const own = (this.#underway = new AbortController());
    this.trouble = '';
    const waiting = this.photos.filter((photo) => !photo.isDone);
    const worker = async () => {
      for (let next = waiting.shift(); next && !own.signal.aborted; next = waiting.shift()) await this.#answer(next, own);
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    if (this.#underway === own) this.#underway = null;
  }

  stop() {
    this.#underway?.abort();
    this.#underway = null;
  }

  /** Asks once more: about all photos, or those whose answer was a problem. */
  async again(which: 'all' | 'failed') {
    for (const photo of this.photos) {
      if (which === 'failed' && photo.problem === '') continue;
      photo.isDone = false;
      if (photo.keptId !== null) void this.kept.note(photo.keptId, null);
    }
    await this.run();
  }

  async clear() {
    this.close();
    this.photos = [];
    this.trouble = '';
    await this.kept.clear();
  }

  /** The page goes away; what is kept stays for when it is loaded again. */
  close() {
    this.#round += 1;
    this.stop();
    for (const photo of this.photos) URL.revokeObjectURL(photo.address);
  }

  async #answer(photo: BatchPhoto, run: AbortController) {
    try {
      photo.report = await this.ask(photo.file, run.signal);
      photo.problem = '';
    } catch (error) {
      if (run.signal.aborted) return;
      if (isPassing(error) || isLoggedOut(error)) {
        this.trouble = wordsFor(error);
        run.abort();
        return;
      }
      photo.report = null;
      photo.problem = wordsFor(error);
    }
    photo.isDone = true;
    const note = $state.snapshot({ report: photo.report, problem: photo.problem }) as BatchNote;
    if (photo.keptId !== null) await this.kept.note(photo.keptId, note);
  }
}

const photoOf = (file: File, keptId: number | null, note: BatchNote): BatchPhoto => ({
  file,
  file_name: file.name,
  address: URL.createObjectURL(file),
  keptId,
  isDone: note !== null,
  report: note?.report ?? null,
  problem: note?.problem ?? '',
});
