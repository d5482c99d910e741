import { en } from './en';

/** The language that is shown. Another one is a file with the keys of `en.ts`, chosen here. */
export const language = 'en-GB';
const texts = en;

type Texts = typeof en;
export type Key = keyof Texts;

interface Plural {
  one: string;
  other: string;
}
type HolesIn<T extends string> = T extends `${string}{${infer Hole}}${infer Rest}` ? Hole | HolesIn<Rest> : never;
type HolesOf<T> = T extends string ? HolesIn<T> : T extends Plural ? HolesIn<T['one']> | HolesIn<T['other']> : never;
export type Values<K extends Key> = [HolesOf<Texts[K]>] extends [never]
  ? Record<string, never>
  : Record<HolesOf<Texts[K]>, string | number>;
type Given<K extends Key> = [HolesOf<Texts[K]>] extends [never] ? [] : [values: Values<K>];

/** A piece of a text: its own words, or what people typed, which must not turn the words around it. */
export interface Piece {
  words: string;
  foreign: boolean;
}

/** Holes that hold what people typed. */
const foreignHoles = new Set(['name', 'person', 'file', 'gallery']);
const numbers = new Intl.NumberFormat(language);
const plurals = new Intl.PluralRules(language);

export const isKey = (key: string): key is Key => Object.hasOwn(texts, key);

/** Fills a text; the pieces are to be shown one after the other. */
export function pieces<K extends Key>(key: K, values: Values<K>): Piece[] {
  const found: string | Plural = texts[key];
  const given = values as Record<string, string | number>;
  const text = typeof found === 'string' ? found : found[plurals.select(Number(given.count)) === 'one' ? 'one' : 'other'];
  return text
    .split(/(\{\w+\})/)
    .filter((part) => part !== '')
    .map((part) => {
      const hole = /^\{(\w+)\}$/.exec(part)?.[1];
      if (hole === undefined) return { words: part, foreign: false };
      const value = given[hole] ?? '';
      return {
        words: typeof value === 'number' ? numbers.format(value) : value,
        foreign: foreignHoles.has(hole),
      };
    });
}

/**
 * A name within a text that is no markup (a title, a label): what it holds of directional controls moves nothing
 * around it. In markup, `<bdi>` does the same.
 */
export const isolated = (name: string) => `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')}\u2069`;

/** A text, filled, for where no markup can be; within markup, names are better shown by `Words`. */
export function t<K extends Key>(key: K, ...given: Given<K>): string {
  return pieces(key, (given[0] ?? {}) as Values<K>)
    .map(({ words, foreign }) => (foreign ? isolated(words) : words))
    .join('');
}
