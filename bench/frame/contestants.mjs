// Runtimes that take turns. Each is a process of its own that runs one network on request: it says
// what its outputs are like, then answers each number of runs with the milliseconds of one run
// (bench/timer.h).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Threads of a runtime that has just run still look for work for a moment: they are asleep before
 * the next one starts.
 */
const settle_ms = 15;

export class Contestant {
  #child;
  #lines;
  #words = '';

  constructor(command) {
    this.#child = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin.on('error', () => {}); // one that ended is noticed by the end of its lines
    this.#child.on('error', (error) => (this.#words += error.message));
    this.#child.stderr.on('data', (text) => (this.#words = `${this.#words}${text}`.slice(-2000)));
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async #line() {
    const line = await this.#lines.next();
    if (line.done) throw new Error(this.#words.trim() || 'the timer ended without a word');
    return line.value;
  }

  /** Waits until it is loaded and warm: the root mean squares of its outputs, smallest first. */
  async ready() {
    return JSON.parse(await this.#line()).sort((a, b) => a - b);
  }

  /** Milliseconds of one run, the median of so many. */
  async time(runs) {
    this.#child.stdin.write(`${runs}\n`);
    const time_ms = Number(await this.#line());
    await sleep(settle_ms);
    return time_ms;
  }

  async end() {
    if (
      this.#child.pid === undefined ||
      this.#child.exitCode !== null ||
      this.#child.signalCode !== null
    )
      return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }
}

/** Whether two runtimes computed the same: sums in another order differ by less. */
export function agree(ours, theirs, tolerance = 2e-3) {
  return (
    ours.length === theirs.length &&
    ours.every(
      (own, index) => Math.abs(own - theirs[index]) <= tolerance * Math.max(Math.abs(own), 1e-6),
    )
  );
}

/**
 * Lets contestants take turns; who goes first changes from round to round.
 *
 * in:  contestants that are ready; `slice_ms` is about how long each runs in a round, at least once
 * out: for each contestant its times in milliseconds a run, one a round
 */
export async function takeTurns(contestants, { rounds, slice_ms }) {
  const runs = [];
  for (const contestant of contestants) {
    runs.push(Math.max(1, Math.round(slice_ms / (await contestant.time(1)))));
  }
  const times = contestants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const index = (round + turn) % contestants.length;
      times[index].push(await contestants[index].time(runs[index]));
    }
  }
  return times;
}
