import type { DetectReport } from '../api';
import type { Key } from '../../texts';

/** How somebody looks at the camera; left and right are theirs. */
export const poses = ['front', 'left', 'right'] as const;
export type Pose = (typeof poses)[number];

export type Hint = Extract<
  Key,
  | `guide.${'no_face' | 'several' | 'closer' | 'farther' | 'level' | 'look_straight' | 'turn_left' | 'turn_right' | 'less'}`
  | 'guide.hold'
>;

/** An angle from five points is off by ten degrees easily: what lies between the poses is neither. */
const straight_deg = 25;
const turned_deg = { least: 28, most: 65 };
const nod_deg = 25;
/** Of the shorter side of the picture: enough pixels for a reference, and the whole head in it. */
const part = { least: 0.2, most: 0.75 };

/**
 * What to do so that the face suits a pose; null when it does.
 *
 * in: a report of the camera's picture as it is, not mirrored
 */
export function hintFor(pose: Pose, report: DetectReport): Hint | null {
  const face = report.faces[0];
  if (!face) return 'guide.no_face';
  if (report.faces.length > 1) return 'guide.several';
  const { face_size_px, yaw_deg, pitch_deg } = face.quality;
  const size = face_size_px / Math.min(report.width_px, report.height_px);
  if (size < part.least) return 'guide.closer';
  if (size > part.most) return 'guide.farther';
  if (Math.abs(pitch_deg) > nod_deg) return 'guide.level';
  if (pose === 'front') return Math.abs(yaw_deg) <= straight_deg ? null : 'guide.look_straight';
  // Somebody's left is the picture's right.
  const turn = pose === 'left' ? yaw_deg : -yaw_deg;
  if (turn < turned_deg.least) return pose === 'left' ? 'guide.turn_left' : 'guide.turn_right';
  return turn > turned_deg.most ? 'guide.less' : null;
}
