import { expect, test } from 'vitest';
import type { DetectReport } from '../api';
import { hintFor } from './guide';

function report(...faces: { size?: number; yaw?: number; pitch?: number }[]): DetectReport {
  return {
    width_px: 640,
    height_px: 480,
    faces: faces.map(({ size = 200, yaw = 0, pitch = 0 }) => ({
      box: { x: 0, y: 0, width: size, height: size }, detection_score: 1,
      landmarks: [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
      quality: { face_size_px: size, sharpness: 100, brightness: 0.5, yaw_deg: yaw, pitch_deg: pitch, roll_deg: 0 },
    })),
  };
}

test('a face straight ahead suits the first pose', () => {
  expect(hintFor('front', report({}))).toBeNull();
  expect(hintFor('front', report({ yaw: -27 }))).toBe('guide.look_straight');
});

test('left is the left of whoever sits there: the right of the picture', () => {
  expect(hintFor('left', report({ yaw: 35 }))).toBeNull();
  expect(hintFor('left', report({ yaw: -25 }))).toBe('guide.turn_left');
  expect(hintFor('right', report({ yaw: -35 }))).toBeNull();
  expect(hintFor('right', report({ yaw: 25 }))).toBe('guide.turn_right');
  expect(hintFor('left', report({ yaw: 70 }))).toBe('guide.less');
});

test('nobody, several, and faces too near or too far are told what to do', () => {
  expect(hintFor('front', report())).toBe('guide.no_face');
  expect(hintFor('front', report({}, {}))).toBe('guide.several');
  expect(hintFor('front', report({ size: 60 }))).toBe('guide.closer');
  expect(hintFor('front', report({ size: 420 }))).toBe('guide.farther');
  expect(hintFor('front', report({ pitch: 40 }))).toBe('guide.level');
});
