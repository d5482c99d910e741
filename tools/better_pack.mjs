#!/usr/bin/env node
// Says in one line that a pack is known in a better version than the installed one, and how to take it; else nothing.
// It is never replaced by itself: embeddings of two models cannot be compared, so that galleries would have to be trained again.
//   tools/better_pack.mjs INSTALLED_CARD KNOWN_CARD DATA
import { readFileSync } from 'node:fs';

const [installedFile, knownFile, data] = process.argv.slice(2);
const [installed, known] = [installedFile, knownFile].map((file) => JSON.parse(readFileSync(file, 'utf8')));
const accuracyOf = (card) => card.measured_accuracy?.accuracy ?? 0;
if (installed.id === known.id && accuracyOf(known) > accuracyOf(installed)) {
  console.log(`a better version of the pack ${known.id} is there, of accuracy ${accuracyOf(known)} instead of ` +
    `${accuracyOf(installed)}: stop, run \`faceforge packs remove ${known.id} --data ${data}\`, start again, and train every gallery anew`);
}
