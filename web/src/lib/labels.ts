import type { BoundingBox } from './api';

/** Where the label of a face is written: from `start` to `end` across the photo, towards one side. */
export interface LabelPlace {
  start: number;
  end: number;
  runs: 'right' | 'left';
  stands: 'above' | 'below' | 'inside';
}

/** What a label takes of a photo's height, at the size at which photos are shown. */
const line = 0.09;

/**
 * Gives every label of a photo a place of its own. Of faces side by side each label keeps to its face and half of the
 * gap to the next, so that none covers another; where there is room it runs on to the side that has more of it. Near the
 * upper edge a label hangs under its box, and into a box that fills the photo.
 *
 * in:  boxes, in the pixels of a photo of `width_px` x `height_px`
 * out: places in the same pixels and order
 */
export function placeLabels(boxes: BoundingBox[], width_px: number, height_px: number): LabelPlace[] {
  const height = line * height_px;
  const stands = boxes.map((box): LabelPlace['stands'] => {
    if (box.y >= height) return 'above';
    return box.y + box.height <= height_px - height ? 'below' : 'inside';
  });
  const levels = boxes.map((box, index) => {
    if (stands[index] === 'above') return box.y - height;
    return stands[index] === 'below' ? box.y + box.height : box.y;
  });
  const middle = (box: BoundingBox) => box.x + box.width / 2;
  return boxes.map((box, index) => {
    let left = 0;
    let right = width_px;
    boxes.forEach((other, otherIndex) => {
      if (other === box || Math.abs((levels[index] ?? 0) - (levels[otherIndex] ?? 0)) >= height) return;
      const isRight = middle(other) > middle(box) || (middle(other) === middle(box) && otherIndex > index);
      if (isRight) right = Math.min(right, (box.x + box.width + other.x) / 2);
      else left = Math.max(left, (other.x + other.width + box.x) / 2);
    });
    const runs = right - box.x >= box.x + box.width - left ? 'right' : 'left';
    return {
      start: runs === 'right' ? Math.max(left, box.x) : left,
      end: runs === 'right' ? right : Math.min(right, box.x + box.width),
      runs,
      stands: stands[index] ?? 'above',
    };
  });
}
