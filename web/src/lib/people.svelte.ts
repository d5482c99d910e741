import { api, wordsFor, type Person } from './api';
import { Newest } from './question.svelte';

const settle_ms = 200;
/** What the server gives at once, at most. */
const pageMax = 200;

/** What the list asks of the server. */
export type ReadPeople = typeof api.somePeople;

/** People of a gallery by name, a page at a time: all of them, or those whose name has something in it. */
export class PeopleList {
  /** Null until the first page is there. */
  people = $state.raw<Person[] | null>(null);
  /** Whether there are more than those. */
  isCut = $state(false);
  wanted = $state('');
  problem = $state('');
  #next: string | null = null;
  #newest = new Newest();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly galleryId: number,
    private readonly pageSize: number,
    private readonly read: ReadPeople = api.somePeople,
  ) {}

  /** Reads what is shown anew, and at least a page. */
  refresh = () => this.#load(Math.max(this.people?.length ?? 0, this.pageSize), null);

  /** Reads the next page. */
  more = () => this.#load(this.pageSize, this.#next);

  /** Looks for a name once the typing rests. */
  find(text: string) {
    this.wanted = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(this.pageSize, null), settle_ms);
  }

  /** Reads `count` people after a cursor, or from the beginning. */
  async #load(count: number, after: string | null) {
    const isNewest = this.#newest.begin();
    const found: Person[] = [];
    let next = after;
    try {
      do {
        const page = await this.read(this.galleryId, {
          limit: Math.min(count - found.length, pageMax),
          name: this.wanted.trim() || undefined,
          cursor: next ?? undefined,
        });
        if (!isNewest()) return;
        found.push(...page.people);
        next = page.next_cursor;
      } while (next !== null && found.length < count);
    } catch (error) {
      if (isNewest()) this.problem = wordsFor(error);
      return;
    }
    this.people = after === null ? found : [...(this.people ?? []), ...found];
    this.#next = next;
    this.isCut = next !== null;
    this.problem = '';
  }
}
