import { expect, test } from 'vitest';

import { progressOf } from './progress';
import type { Upload } from './upload_queue.svelte';

const listOf = (...states: Upload['state'][]) => states.map((state) => ({ state, sent: 0 }) as Upload);

test('what was taken and what was refused is told once nothing is on its way', () => {
  expect(progressOf(listOf('taken', 'taken', 'refused'), false).words).toBe('2 photos were added, 1 refused.');
  expect(progressOf(listOf('taken'), false).words).toBe('1 photo was added.');
});

test('where only the refused ones are left in the list, nothing is said of the others', () => {
  expect(progressOf(listOf('refused', 'refused'), false).words).toBe('2 photos were refused.');
});
