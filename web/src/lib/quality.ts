import type { Photo } from './api';
import type { Key } from '../texts';

type Quality = Photo['face']['quality'];
export type QualityVerdict = Key & `quality.${string}`;

/** Where a face stops being a good reference; the API says what each number means. */
const limits = { size_px: 60, sharpness: 20, dark: 0.2, bright: 0.88, yaw_deg: 35, pitch_deg: 30 };

/** What is wrong with a reference face, the worst first; nothing for a good one. */
export function qualityFaults(quality: Quality): QualityVerdict[] {
  const faults: QualityVerdict[] = [];
  if (quality.face_size_px < limits.size_px) faults.push('quality.small');
  if (quality.sharpness < limits.sharpness) faults.push('quality.blurred');
  if (Math.abs(quality.yaw_deg) > limits.yaw_deg) faults.push('quality.turned');
  if (Math.abs(quality.pitch_deg) > limits.pitch_deg) faults.push(quality.pitch_deg > 0 ? 'quality.down' : 'quality.up');
  if (quality.brightness < limits.dark) faults.push('quality.dark');
  if (quality.brightness > limits.bright) faults.push('quality.bright');
  return faults;
}
