import { expect, test } from 'vitest';
import { placeLabels } from './labels';

const box = (x: number, y: number, width = 100, height = 120) => ({ x, y, width, height });

test('labels of a row of faces side by side do not cover each other', () => {
  const row = [0, 1, 2, 3, 4].map((index) => box(index * 200 + 40, 200 + (index % 2) * 12));
  const places = placeLabels(row, 1000, 600);
  for (let index = 1; index < places.length; ++index) {
    expect(places[index - 1]?.end).toBeLessThanOrEqual(places[index]?.start ?? 0);
  }
});

test('faces that overlap share the room between them', () => {
  const [first, second] = placeLabels([box(100, 200, 200), box(240, 200, 200)], 1000, 600);
  expect(first?.end).toBe(270);
  expect(second?.start).toBe(270);
});

test('the label of a single face runs to the side with more room', () => {
  expect(placeLabels([box(800, 200)], 1000, 600)).toEqual([{ start: 0, end: 900, runs: 'left', stands: 'above' }]);
  expect(placeLabels([box(100, 200)], 1000, 600)).toEqual([{ start: 100, end: 1000, runs: 'right', stands: 'above' }]);
});

test('a label hangs below a face at the upper edge, and into one that fills the photo', () => {
  expect(placeLabels([box(100, 5)], 1000, 600)[0]?.stands).toBe('below');
  expect(placeLabels([box(100, 5, 700, 590)], 1000, 600)[0]?.stands).toBe('inside');
});

test('faces above each other do not narrow each other', () => {
  const [upper] = placeLabels([box(100, 100), box(250, 400)], 1000, 600);
  expect(upper?.end).toBe(1000);
});
