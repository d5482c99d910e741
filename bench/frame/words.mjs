// The words of a benchmark's command line. What is wrong with them is told in one line, exit code 2.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export class Words {
  #program;
  #parsed;

  /** Reads the words for the script at `scriptUrl`; `config` is that of node:util's parseArgs. */
  constructor(scriptUrl, config) {
    this.#program = basename(fileURLToPath(scriptUrl));
    try {
      this.#parsed = parseArgs(config);
    } catch (mistake) {
      this.complain(mistake.message.split(/\.\s/)[0]);
    }
  }

  get values() {
    return this.#parsed.values;
  }

  get positionals() {
    return this.#parsed.positionals;
  }

  /** An option's whole number, from 1 to `most`; undefined where it is not given. */
  count(name, most) {
    const word = this.values[name];
    return word === undefined ? undefined : this.#number(name, word, most);
  }

  /** An option's whole numbers with commas between them, each from 1 to `most`; undefined where it is not given. */
  counts(name, most) {
    return this.values[name]?.split(',').map((word) => this.#number(name, word, most));
  }

  #number(name, word, most) {
    const value = /^\d+$/.test(word) ? Number(word) : 0;
    if (value < 1 || value > most) this.complain(`--${name} ${word}: a whole number from 1 to ${most}`);
    return value;
  }

  complain(what) {
    console.error(`${this.#program}: ${what}; see --help`);
    process.exit(2);
  }
}
