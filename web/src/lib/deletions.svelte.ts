import { api, isMissing, wordsFor, type Thing } from './api';
import { kept } from './kept';
import { session } from './session.svelte';
import { changes } from './changes.svelte';
import { toasts, undo_ms } from './toasts.svelte';
import { t } from '../texts';

/** Something that is deleted once its time has come, unless that is undone. */
export interface Doomed {
  key: string;
  thing: Thing;
  name: string;
  user_id: number;
  due_ms: number;
}

/** What is due this long and still there, was left by a window that is gone. */
export const slack_ms = 3_000;
const storageKey = 'faceforge.deletions';

/** Names a thing; what lies in another begins with that one's key. */
export function keyOf(thing: Thing): string {
  const gallery = `gallery ${thing.gallery}/`;
  if (thing.kind === 'gallery') return gallery;
  if (thing.kind === 'version') return `${gallery}version ${thing.version}/`;
  if (thing.kind === 'faces') return `${gallery}faces ${thing.faces.join(' ')}/`;
  const person = `${gallery}person ${thing.person}/`;
  return thing.kind === 'person' ? person : `${person}photo ${thing.photo}/`;
}

/** Whether a thing lies in what is deleted, both named by their keys; a face also among several. */
function liesIn(key: string, deleted: string) {
  if (key.startsWith(deleted)) return true;
  const [, place, face] = /^(gallery \d+\/faces )(\d+)\/$/.exec(key) ?? [];
  if (place === undefined || face === undefined || !deleted.startsWith(place)) return false;
  return deleted.slice(place.length, -1).split(' ').includes(face);
}

/**
 * Deletions wait for ten seconds, in which they can be undone; what waits is no longer shown. They outlive a change of
 * the page. Who leaves means it: then they are carried out at once, and what the browser could not send any more is
 * carried out on the next visit.
 */
export class Deletions {
  waiting = $state<Doomed[]>([]);
  #gone = $state<string[]>([]);
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** What this window has decided on; the rest of what is kept is that of other windows. */
  #own = new Set<string>();
  /** What is being carried out. */
  #begun = new Map<string, Doomed>();

  /** `remove` deletes for good, also while the page is being left where `keepalive` says so. */
  constructor(private readonly remove: (thing: Thing, keepalive: boolean) => Promise<void>) {}

  /** Whether something is deleted, or lies in what is. */
  hides(thing: Thing) {
    const key = keyOf(thing);
    return this.waiting.some((doomed) => liesIn(key, doomed.key)) || this.#gone.some((gone) => liesIn(key, gone));
  }

  add(thing: Thing, name: string) {
    const user_id = session.current?.user.id;
    if (user_id === undefined) return;
    const key = keyOf(thing);
    const doomed: Doomed = { key, thing, name, user_id, due_ms: Date.now() + undo_ms };
    this.#own.add(key);
    this.waiting.push(doomed);
    this.#keep();
    this.#timers.set(key, setTimeout(() => void this.#carryOut(doomed, false).then(() => ++changes.count), undo_ms));
  }

  undo(key: string) {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    this.waiting = this.waiting.filter((doomed) => doomed.key !== key);
    this.#keep();
  }

  /** Carries out what waits in a gallery, before something that must not see it any more. */
  async flush(gallery: number) {
    const key = keyOf({ kind: 'gallery', gallery });
    await Promise.all(this.waiting.filter((doomed) => doomed.key.startsWith(key)).map((one) => this.#carryOut(one, false)));
  }

  /** Carries out everything, for a page that is being left or a session that ends. */
  async leave(keepalive: boolean) {
    // Should it not reach the server, the next visit must not wait.
    for (const doomed of this.waiting) doomed.due_ms = 0;
    this.#keep();
    await Promise.all(this.waiting.map((doomed) => this.#carryOut(doomed, keepalive)));
  }

  /**
   * Finishes what an earlier visit of this account could not send any more. What is not due yet may wait in another
   * window, where it can still be undone: it is looked at again later.
   */
  async finish() {
    const own = session.current?.user.id;
    const left = this.#kept().filter((doomed) => doomed.user_id === own && !this.#own.has(doomed.key));
    const due_ms = (doomed: Doomed) => doomed.due_ms + slack_ms - Date.now();
    const later_ms = left.map(due_ms).filter((wait_ms) => wait_ms > 0);
    if (later_ms.length > 0) setTimeout(() => void this.finish(), Math.min(...later_ms));
    for (const doomed of left.filter((one) => due_ms(one) <= 0)) {
      this.#own.add(doomed.key);
      if (await this.#carryOut(doomed, false)) toasts.say(t('deletions.done', { name: doomed.name }));
    }
  }

  #kept(): Doomed[] {
    try {
      return JSON.parse(kept.read(storageKey) ?? '[]') as Doomed[];
    } catch {
      return []; // not what this page wrote
    }
  }

  async #carryOut(doomed: Doomed, keepalive: boolean): Promise<boolean> {
    clearTimeout(this.#timers.get(doomed.key));
    this.#timers.delete(doomed.key);
    this.#gone.push(doomed.key);
    this.#begun.set(doomed.key, doomed);
    this.waiting = this.waiting.filter((one) => one.key !== doomed.key);
    let problem: unknown = null;
    try {
      await this.remove(doomed.thing, keepalive);
    } catch (error) {
      if (!isMissing(error)) problem = error;
    }
    this.#begun.delete(doomed.key);
    this.#keep();
    if (problem === null) return true;
    this.#gone = this.#gone.filter((key) => key !== doomed.key);
    toasts.say(t('deletions.failed', { name: doomed.name, why: wordsFor(problem) }), { tone: 'bad' });
    return false;
  }

  /** What was begun is kept until it is done: a page that ends in between leaves it to the next visit. */
  #keep() {
    const others = this.#kept().filter((doomed) => !this.#own.has(doomed.key));
    const all = [...others, ...this.#begun.values(), ...this.waiting];
    if (all.length === 0) kept.forget(storageKey);
    else kept.write(storageKey, JSON.stringify(all));
  }
}

export const deletions = new Deletions((thing, keepalive) => api.remove(thing, keepalive));
