import { expect, test } from 'vitest';
import { greyOf, sharpnessOf } from './frame';

const grey = (width_px: number, height_px: number, value: (x: number, y: number) => number) => ({
  width_px,
  height_px,
  values: Float32Array.from({ length: width_px * height_px }, (_, index) => value(index % width_px, Math.floor(index / width_px))),
});

test('an even picture and an even slope have nothing sharp in them', () => {
  expect(sharpnessOf(grey(8, 8, () => 77))).toBe(0);
  expect(sharpnessOf(grey(8, 8, (x, y) => 3 * x + 2 * y))).toBe(0);
});

test('one bright point in the middle has the variance that its Laplacian has by hand', () => {
  // Of the nine inner pixels one is -4, its four neighbours are 1: mean 0, and the mean of the squares is 20 / 9.
  expect(sharpnessOf(grey(5, 5, (x, y) => (x === 2 && y === 2 ? 1 : 0)))).toBeCloseTo(20 / 9, 6);
});

test('a picture is sharper than the same picture blurred', () => {
  const stripes = (x: number) => (x % 8 < 4 ? 0 : 200);
  const sharp = sharpnessOf(grey(32, 32, stripes));
  const blurred = sharpnessOf(grey(32, 32, (x) => (stripes(x - 1) + stripes(x) + stripes(x + 1)) / 3));
  expect(sharp).toBeGreaterThan(2 * blurred);
});

test('a picture that is too small for a Laplacian is not sharp', () => {
  expect(sharpnessOf(grey(2, 9, (x) => 100 * x))).toBe(0);
});

test('grey is weighed as eyes do', () => {
  expect([...greyOf(new Uint8ClampedArray([255, 0, 0, 255, 0, 255, 0, 255]), 2, 1).values].map(Math.round)).toEqual([76, 150]);
});
