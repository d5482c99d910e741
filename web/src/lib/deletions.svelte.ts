import { api, isMissing, wordsFor, type Thing } from './api';
import { kept } from './kept';
import { session } from './session.svelte';
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

const storageKey = 'faceforge.deletions';

/** Names a thing; what lies in another begins with that one's key. */
export function keyOf(thing: Thing): string {
  const gallery = `gallery ${thing.gallery}/`;
  if (thing.kind === 'gallery') return gallery;
  if (thing.kind === 'version') return `${gallery}version ${thing.version}/`;
  const person = `${gallery}person ${thing.person}/`;
  return thing.kind === 'person' ? person : `${person}photo ${thing.photo}/`;
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

  /** `remove` deletes for good, also while the page is being left where `keepalive` says so. */
  constructor(private readonly remove: (thing: Thing, keepalive: boolean) => Promise<void>) {}

  /** Whether something is deleted, or lies in what is. */
  hides(thing: Thing) {
    const key = keyOf(thing);
    return this.waiting.some((doomed) => key.startsWith(doomed.key)) || this.#gone.some((gone) => key.startsWith(gone));
  }

  add(thing: Thing, name: string) {
    const user_id = session.current?.user.id;
    if (user_id === undefined) return;
    const key = keyOf(thing);
    const doomed: Doomed = { key, thing, name, user_id, due_ms: Date.now() + undo_ms };
    this.waiting.push(doomed);
    this.#keep();
    this.#timers.set(key, setTimeout(() => void this.#carryOut(doomed, false), undo_ms));
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
    await Promise.all(this.waiting.map((doomed) => this.#carryOut(doomed, keepalive)));
  }

  /** Finishes what an earlier visit of this account could not send any more. */
  async finish() {
    const left = this.#kept().filter(
      (doomed) => doomed.user_id === session.current?.user.id && !this.waiting.some((one) => one.key === doomed.key),
    );
    for (const doomed of left) {
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
    this.waiting = this.waiting.filter((one) => one.key !== doomed.key);
    try {
      await this.remove(doomed.thing, keepalive);
    } catch (error) {
      if (!isMissing(error)) {
        this.#gone = this.#gone.filter((key) => key !== doomed.key);
        this.#keep();
        toasts.say(t('deletions.failed', { name: doomed.name, why: wordsFor(error) }), { tone: 'bad' });
        return false;
      }
    }
    this.#keep();
    return true;
  }

  /** What was begun is kept until it is done: a page that ends in between leaves it to the next visit. */
  #keep() {
    if (this.waiting.length === 0) kept.forget(storageKey);
    else kept.write(storageKey, JSON.stringify(this.waiting));
  }
}

export const deletions = new Deletions((thing, keepalive) => api.remove(thing, keepalive));
