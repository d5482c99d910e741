import { api, watchJob, wordsFor, type Job } from './api';
import { deletions } from './deletions.svelte';
import { t } from '../texts';

const attemptsMax = 4;
const retryAfter_ms = 1000;
const isUnderway = (job: Job) => job.state === 'queued' || job.state === 'running';

/** The training of one gallery: begun here, or followed where it was begun elsewhere. */
export class Trainer {
  job = $state.raw<Job | null>(null);
  problem = $state('');
  /** What is said while a training that was disturbed begins again. */
  trying = $state('');
  #attempts = 1;
  #wantsHead = false;
  #leaving = new AbortController();
  readonly running = $derived(this.trying !== '' || (this.job !== null && isUnderway(this.job)));

  constructor(
    private readonly galleryId: number,
    private readonly onend: () => Promise<void>,
  ) {}

  /** A training that was started in another window, or before the page was loaded again, is followed too. */
  async followUnderway() {
    try {
      const { jobs } = await api.jobs();
      const underway = jobs.find((other) => other.subject === `gallery ${this.galleryId}` && isUnderway(other));
      if (underway) await this.#follow(underway);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Follows nothing any more, for a page that goes away. */
  leave() {
    this.#leaving.abort();
  }

  async train(wantsHead = false) {
    this.problem = this.trying = '';
    this.#attempts = 1;
    this.#wantsHead = wantsHead;
    try {
      await deletions.flush(this.galleryId);
      await this.#follow(await api.train(this.galleryId, this.#wantsHead));
    } catch (error) {
      this.#fail(error);
    }
  }

  async cancel() {
    this.#attempts = attemptsMax;
    if (this.trying !== '' && this.job?.state === 'failed') {
      this.problem = t('train.cancelled');
      this.trying = '';
      return;
    }
    this.trying = '';
    try {
      if (this.job) await api.cancelJob(this.job.id);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown) {
    this.trying = '';
    this.problem = wordsFor(error);
  }

  async #follow(started: Job): Promise<void> {
    this.job = started;
    const ended = await watchJob(started.id, (state) => (this.job = state), this.#leaving.signal);
    if (ended.state === 'failed' && ended.error?.reason === 'gallery_changing' && this.#attempts < attemptsMax) {
      return this.#tryAgain();
    }
    this.trying = '';
    if (ended.state === 'failed') this.problem = wordsFor(new Error(ended.error?.message ?? t('train.failed')));
    if (ended.state === 'cancelled') this.problem = t('train.cancelled');
    await this.onend();
  }

  /** Photos that are deleted during a training end it; a moment later they are gone, and it succeeds. */
  async #tryAgain() {
    ++this.#attempts;
    this.trying = t('train.again', { attempt: this.#attempts, most: attemptsMax });
    await new Promise((resolve) => setTimeout(resolve, retryAfter_ms * this.#attempts));
    if (this.#leaving.signal.aborted || this.trying === '') return;
    const next = await api.train(this.galleryId, this.#wantsHead);
    if (this.trying === '') {
      // Cancelled while it was asked for.
      await api.cancelJob(next.id);
      return;
    }
    await this.#follow(next);
  }
}
