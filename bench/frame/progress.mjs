// A line at the foot of the terminal: a bar, what runs, and how long it will still take. Elsewhere
// it is not drawn.

const width = 24;

/** `3 min`, `40 s`. */
export const duration = (seconds) =>
  seconds >= 90 ? `${Math.round(seconds / 60)} min` : `${Math.max(1, Math.round(seconds))} s`;

/**
 * How far along, from 0 to 1, and the seconds left, when parts are expected to take some time each
 * and the first ones are done. A part that takes longer than expected stands still just before its
 * end.
 */
export function estimate(expected_s, doneCount, elapsed_s) {
  const total = expected_s.reduce((sum, part) => sum + part, 0);
  const before = expected_s.slice(0, doneCount).reduce((sum, part) => sum + part, 0);
  const current =
    doneCount < expected_s.length ? Math.min(elapsed_s, 0.98 * expected_s[doneCount]) : 0;
  return { share: (before + current) / total, left_s: total - before - current };
}

export class Progress {
  #stream;
  #expected_s;
  #doneCount = 0;
  #name = '';
  #startedAt = 0;
  #timer;

  constructor(expected_s, stream = process.stderr) {
    this.#expected_s = expected_s;
    this.#stream = stream;
    if (stream.isTTY) this.#timer = setInterval(() => this.#draw(), 1000).unref();
  }

  /** The next part begins. */
  begin(name) {
    this.#name = name;
    this.#startedAt = performance.now();
    this.line(`== ${name} (about ${duration(this.#expected_s[this.#doneCount])})`);
  }

  done() {
    this.#doneCount += 1;
    this.#startedAt = performance.now();
    this.#draw();
  }

  /** A line above the bar. */
  line(text) {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  end() {
    clearInterval(this.#timer);
    this.#erase();
  }

  #erase() {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[K');
  }

  #draw() {
    if (!this.#stream.isTTY || this.#name === '') return;
    const { share, left_s } = estimate(
      this.#expected_s,
      this.#doneCount,
      (performance.now() - this.#startedAt) / 1000,
    );
    const filled = Math.round(share * width);
    const bar = '█'.repeat(filled) + '░'.repeat(width - filled);
    this.#stream.write(
      `\r\x1b[K${bar} ${Math.round(100 * share)} %  ${this.#name}  ${duration(left_s)} left`,
    );
  }
}
