import { Refusal, wordsFor } from './api';
import type { OnSent } from './uploading';

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
  /** What part of the question has been sent. */
  sent = $state(0);
  #underway: AbortController | null = null;

  constructor(private readonly send: (asked: Asked, signal: AbortSignal, onSent: OnSent) => Promise<Report>) {}

  async ask(asked: Asked) {
    this.stop();
    const own = new AbortController();
    this.#underway = own;
    this.busy = true;
    this.sent = 0;
    this.problem = this.reason = '';
    this.answered = null;
    try {
      const report = await this.send(asked, own.signal, (part) => {
        if (this.#underway === own) this.sent = part;
      });
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

/** Of several loads of the same thing only the newest shows what it brings, whatever the order of the answers. */
export class Newest {
  #count = 0;

  /** Begins a load; the function that it gives tells whether it is still the newest. */
  begin() {
    const own = ++this.#count;
    return () => own === this.#count;
  }
}
