import type { Track } from './tracks';
import { t } from '../../texts';

const colours = { match: '#22c55e', ambiguous: '#f59e0b', unknown: '#cbd5e1', undecided: '#94a3b8' };

/** The name that stands at a face, with its similarity. */
export function labelOf({ face }: Track): string {
  if (face.too_small) return t('live.too_small');
  const similarity = face.similarity === null ? '' : ` ${face.similarity.toFixed(2)}`;
  if (face.decision === 'match') return `${face.person ?? ''}${similarity}`;
  if (face.decision === 'ambiguous') return t('identify.not_sure');
  return t(face.decision === 'unknown' ? 'identify.unknown' : 'live.undecided');
}

/**
 * Draws the faces over the camera's picture.
 *
 * in: tracks in the pixels of frames `width_px` wide; `mirrored` as the picture is; the canvas has the shape of a frame
 */
export function drawTracks(canvas: HTMLCanvasElement, tracks: Track[], width_px: number, mirrored: boolean) {
  const pen = canvas.getContext('2d');
  if (!pen || width_px === 0) return;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  const scale = canvas.width / width_px;
  const text_px = Math.max(14, canvas.width / 42);
  pen.font = `600 ${text_px}px Inter, system-ui, sans-serif`;
  pen.textBaseline = 'middle';
  for (const track of tracks) {
    const { drawn, face } = track;
    const width = drawn.width * scale;
    const left = mirrored ? canvas.width - drawn.x * scale - width : drawn.x * scale;
    const top = drawn.y * scale;
    pen.strokeStyle = colours[face.decision];
    pen.lineWidth = Math.max(2, canvas.width / 320);
    pen.setLineDash(face.decision === 'undecided' ? [10, 8] : []);
    pen.beginPath();
    pen.roundRect(left, top, width, drawn.height * scale, 10);
    pen.stroke();
    const label = labelOf(track);
    const room = pen.measureText(label).width + text_px;
    const above = top > 2 * text_px ? top - 1.9 * text_px : top + drawn.height * scale + 0.3 * text_px;
    const x = Math.min(Math.max(0, left), Math.max(0, canvas.width - room));
    pen.fillStyle = 'rgb(10 20 18 / 84%)';
    pen.beginPath();
    pen.roundRect(x, above, room, 1.6 * text_px, 7);
    pen.fill();
    pen.fillStyle = '#fff';
    pen.fillText(label, x + text_px / 2, above + 0.82 * text_px);
  }
}
