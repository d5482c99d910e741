// The options of bench/run. Run by itself it only says what is wrong with them.
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { parts } from './parts.mjs';

/**
 * Reads the words of the command line.
 *
 * out:   `{ quick, json, only, docs, redraw }`; `only` lists parts, all of them where none is named
 * fails: an Error with a sentence for the user
 */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string', multiple: true, default: [] },
      docs: { type: 'boolean', default: false },
      redraw: { type: 'boolean', default: false },
    },
  });
  const names = parts.map(({ name }) => name);
  const only = values.only.flatMap((word) => word.split(','));
  const unknown = only.find((word) => !names.includes(word));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: the parts are ${names.join(', ')}`);
  if (values.json !== undefined) {
    const folder = dirname(resolve(values.json));
    if (values.json === '' || !existsSync(folder))
      throw new Error(`--json ${values.json}: the folder ${folder} is not there`);
    accessSync(folder, constants.W_OK);
  }
  return {
    ...values,
    json: values.json && resolve(values.json),
    only: only.length > 0 ? only : names,
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`bench/run: ${error.message}\nRun bench/run --help for more.`);
    process.exit(64);
  }
}
