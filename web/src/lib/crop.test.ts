import { expect, test } from 'vitest';
import { isSameFace } from './crop';
import { qualityFaults } from './quality';

const wanted = { x: 100, y: 100, width: 50, height: 60 };

test('a face found is the one wanted when its middle lies within', () => {
  expect(isSameFace({ x: 90, y: 95, width: 60, height: 70 }, wanted)).toBe(true);
  expect(isSameFace({ x: 0, y: 0, width: 80, height: 80 }, wanted)).toBe(false);
});

test('what is wrong with a face is said in words, the worst first', () => {
  const good = { face_size_px: 120, sharpness: 100, brightness: 0.5, yaw_deg: 5, pitch_deg: -5, roll_deg: 0 };
  expect(qualityFaults(good)).toEqual([]);
  expect(qualityFaults({ ...good, sharpness: 19, yaw_deg: -50, brightness: 0.1 })).toEqual(['quality.blurred', 'quality.turned', 'quality.dark']);
  expect(qualityFaults({ ...good, pitch_deg: 40 })).toEqual(['quality.down']);
});
