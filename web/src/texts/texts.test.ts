import { expect, test } from 'vitest';
import { en } from './en';
import { isolated, pieces, t } from '.';

test('a count chooses its form, and numbers are grouped', () => {
  expect(t('count.people', { count: 1 })).toBe('1 person');
  expect(t('count.people', { count: 0 })).toBe('0 people');
  expect(t('count.photos', { count: 12345 })).toBe('12,345 photos');
});

test('a name that turns the writing around moves nothing but itself', () => {
  expect(t('deletions.waiting', { name: 'Ada' })).toBe('\u2068Ada\u2069 is deleted.');
  expect(isolated('\u202eevil\u2069')).toBe('\u2068evil\u2069');
});

test('the pieces of a text say which of them people typed', () => {
  expect(pieces('verify.yes', { name: 'Ada' })).toEqual([
    { words: 'Yes, this is ', foreign: false },
    { words: 'Ada', foreign: true },
    { words: '.', foreign: false },
  ]);
});

test('every text is there in every form, and no brace is left open', () => {
  for (const [key, text] of Object.entries(en)) {
    const forms = typeof text === 'string' ? [text] : [text.one, text.other];
    for (const form of forms) {
      expect(form, key).not.toBe('');
      expect(form.replace(/\{\w+\}/g, ''), key).not.toMatch(/[{}]/);
    }
    if (typeof text !== 'string') expect(text.other, key).toContain('{count}');
  }
});
