import type { Key } from '../texts';

export interface Strength {
  /** 0 (refused) to 4. */
  level: 0 | 1 | 2 | 3 | 4;
  advice: Key & `strength.${string}`;
}

const shortest = 8;
const rows = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];

/** Whether a character goes on from the one before: the same again, or its neighbour in the alphabet or on the keys. */
function goesOn(before: string, after: string): boolean {
  return before === after || rows.some((row) => row.includes(before + after) || row.includes(after + before));
}

/**
 * How hard a password is to guess, as a hint: its length counts, less what repeats or runs on. The server has the last
 * word, and knows the passwords that attackers try first.
 */
export function strengthOf(password: string, userName: string): Strength {
  const text = password.toLowerCase();
  const characters = [...text];
  if (characters.length < shortest) return { level: 0, advice: 'strength.short' };
  const name = userName.trim().toLowerCase();
  if (name.length >= 3 && text.includes(name)) return { level: 1, advice: 'strength.name' };
  const goes = characters.map((character, index) => index > 0 && goesOn(characters[index - 1] ?? '', character));
  const surprises = goes.filter((goesOnHere, index) => !(goesOnHere && goes[index - 1]));
  const different = new Set(characters).size;
  const weight = Math.min(surprises.length, 2 * different);
  if (weight < 6) return { level: 1, advice: 'strength.runs' };
  const words = text.split(/[\s\-_.,]+/).filter((word) => word.length > 1).length;
  if (weight < 11) return { level: 2, advice: 'strength.longer' };
  if (weight < 15 && words < 3) return { level: 3, advice: 'strength.good' };
  return { level: 4, advice: 'strength.strong' };
}
