import { duration } from '../format';
import type { Upload } from './upload_queue.svelte';
import { t } from '../../texts';

export interface Progress {
  /** Photos on their way. */
  open: number;
  taken: number;
  refused: number;
  /** Of all of them, 0 to 1; of those on their way what has been sent counts half, for the server has yet to look. */
  part: number;
  words: string;
}

const worthSaying_s = 5;

function remaining_s(list: Upload[], open: number) {
  const timed = list.flatMap((upload) => upload.took_s ?? []);
  const mean_s = timed.reduce((sum, took_s) => sum + took_s, 0) / timed.length;
  return timed.length > 0 ? mean_s * open : 0;
}

/** How far a list of uploads is. */
export function progressOf(list: Upload[], paused: boolean): Progress {
  const of = (state: Upload['state']) => list.filter((upload) => upload.state === state);
  const [taken, refused, sending] = [of('taken').length, of('refused').length, of('sending')];
  const done = taken + refused;
  const open = list.length - done;
  const underway = sending.reduce((sum, upload) => sum + upload.sent / 2, 0);
  let words: string;
  if (open > 0 && paused) {
    words = t('upload.paused', { count: open });
  } else if (open > 0) {
    const left_s = remaining_s(list, open);
    words = t('upload.progress', { done, count: list.length });
    if (left_s >= worthSaying_s) words += ` ${t('upload.left', { time: duration(left_s) })}`;
  } else if (taken === 0 && refused > 0) {
    // Those that were taken leave the list before those that were refused.
    words = t('upload.only_refused', { count: refused });
  } else {
    words = t('upload.added', { count: taken });
    if (refused > 0) words = `${words.slice(0, -1)}, ${t('upload.refused', { count: refused })}`;
  }
  return { open, taken, refused, part: list.length > 0 ? (done + underway) / list.length : 0, words };
}
