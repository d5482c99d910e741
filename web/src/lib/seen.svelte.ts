import { api, wordsFor, type Sighting } from './api';
import { Newest } from './question.svelte';

/** What the list asks of the server: a page, or the one that follows. */
export type ReadSightings = typeof api.sightings;

/** Who was seen when, those who came last first, a page at a time. */
export class SeenList {
  /** Null until the first page is there. */
  sightings = $state.raw<Sighting[] | null>(null);
  /** Whether there are earlier ones. */
  isCut = $state(false);
  problem = $state('');
  #next: string | null = null;
  #newest = new Newest();

  constructor(
    private readonly galleryId: number,
    private readonly read: ReadSightings = api.sightings,
  ) {}

  /** Reads what is shown anew, and at least a page. */
  refresh = () => this.#load([], undefined, this.sightings?.length ?? 0);

  /** Reads the next page. */
  more = () => this.#load(this.sightings ?? [], this.#next ?? undefined, 0);

  /** Reads at least a page, and until there are `count` of them. */
  async #load(before: Sighting[], cursor: string | undefined, count: number) {
    const isNewest = this.#newest.begin();
    let found = before;
    let next = cursor;
    try {
      do {
        const page = await this.read(this.galleryId, next);
        if (!isNewest()) return;
        found = [...found, ...page.sightings];
        next = page.next_cursor ?? undefined;
      } while (next !== undefined && found.length < count);
    } catch (error) {
      if (isNewest()) this.problem = wordsFor(error);
      return;
    }
    this.sightings = found;
    this.#next = next ?? null;
    this.isCut = next !== undefined;
    this.problem = '';
  }
}
