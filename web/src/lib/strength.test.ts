import { expect, test } from 'vitest';
import { strengthOf } from './strength';

test.each([
  ['short', 0],
  ['aaaaaaaaaaaa', 1],
  ['12345678', 1],
  ['qwertyuiop', 1],
  ['ada-lovelace-1815', 1],
  ['mustang1', 2],
  ['correct horse battery staple', 4],
])('%s is of level %i', (password, level) => {
  expect(strengthOf(password, 'Ada').level).toBe(level);
});

test('a longer password is never weaker for the same kind of characters', () => {
  const text = 'tumbling violet kite over marzipan';
  const levels = Array.from({ length: text.length - 8 }, (_, index) => strengthOf(text.slice(0, 9 + index), 'ada').level);
  expect(levels).toEqual([...levels].sort((a, b) => a - b));
});
