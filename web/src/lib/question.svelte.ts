import { Refusal, wordsFor } from './api';

/**
 * One question at a time. A new one ends the one before it, whose answer is never shown; what is shown is an answer
 * together with what was asked, not with what the page has come to since.
 */
export class Question<Asked, Report> {
  answered = $state.raw<{ asked: Asked; report: Report } | null>(null);
  problem = $state('');
  /** Of the refusal behind `problem`, where there is one. */
  reason = $state('');
  busy = $state(false);
  #underway: AbortController | null = null;

  constructor(private readonly send: (asked: Asked, signal: AbortSignal) => Promise<Report>) {}

  async ask(asked: Asked) {
    this.stop();
    const own = new AbortController();
    this.#underway = own;
    this.busy = true;
    this.problem = this.reason = '';
    this.answered = null;
    try {
      const report = await this.send(asked, own.signal);
      if (this.#underway === own) this.answered = { asked, report };
    } catch (error) {
      if (this.#underway === own) {
        this.problem = wordsFor(error);
        this.reason = error instanceof Refusal ? error.reason : '';
      }
    } finally {
      if (this.#underway === own) this.busy = false;
    }
  }

  /** Forgets what was asked and answered. */
  clear() {
    this.stop();
    this.answered = null;
    this.problem = this.reason = '';
  }

  /** Ends what is underway, for a page that goes away. */
  stop() {
    this.#underway?.abort();
    this.#underway = null;
    this.busy = false;
  }
}
