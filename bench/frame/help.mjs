import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Prints the comment that a script begins with and ends it, where it is asked for with -h or --help. */
export function helpIfAsked(scriptUrl, words = process.argv.slice(2)) {
  if (!words.some((word) => word === '-h' || word === '--help')) return;
  const lines = readFileSync(fileURLToPath(scriptUrl), 'utf8').split('\n').slice(1);
  const end = lines.findIndex((line) => !line.startsWith('//'));
  console.log(lines.slice(0, end).map((line) => line.replace(/^\/\/ ?/, '')).join('\n'));
  process.exit(0);
}
