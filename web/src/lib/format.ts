import { language } from '../texts';

const dateTime = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const numbers = new Intl.NumberFormat(language);
const tenths = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });

const timeOfDay = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });

const day = new Intl.DateTimeFormat(language, { dateStyle: 'full' });

/** "Saturday 28 November 2026" */
export const dayOf = (rfc3339: string) => day.format(new Date(rfc3339));
export const clockTime = (ms: number) => timeOfDay.format(ms);
export const when = (rfc3339: string) => dateTime.format(new Date(rfc3339));

/** 0.0001 -> "1 in 10,000" */
export const oneIn = (rate: number) => `1 in ${numbers.format(Math.round(1 / rate))}`;

export const similarityText = (similarity: number) => similarity.toFixed(3).replace('-', '\u2212');

/** 31 500 000 -> "31.5 MB" */
export const megabytes = (bytes: number) => `${tenths.format(bytes / 1e6)} MB`;

/** 200 -> "3 min", 40 -> "40 s" */
export const duration = (seconds: number) =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;

/** What stands for a name where there is no picture. */
export const initialOf = (name: string) => /[\p{L}\p{N}]/u.exec(name)?.[0] ?? '?';

const bare = (text: string) => text.trim().normalize('NFKD').replace(/\p{M}/gu, '').toLocaleLowerCase(language);

/** Whether a name has what is looked for in it, whatever the case and the accents. */
export const includesText = (name: string, wanted: string) => bare(name).includes(bare(wanted));
