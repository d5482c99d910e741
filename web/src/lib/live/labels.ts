import { similarityText } from '../format';
import type { WatchedFace } from './messages';
import { t } from '../../texts';

/** What stands at a face: who it is, and how sure that is or whom it is like. */
export interface Label {
  title: string;
  detail: string;
}

export function labelOf(face: WatchedFace): Label {
  const nearest = face.candidates[0];
  if (face.too_small) return { title: t('live.too_small'), detail: '' };
  if (face.decision === 'match') {
    return { title: face.person ?? '', detail: face.similarity === null ? '' : similarityText(face.similarity) };
  }
  if (face.decision === 'undecided') return { title: t('live.undecided'), detail: '' };
  const title = t(face.decision === 'ambiguous' ? 'identify.not_sure' : 'identify.unknown');
  const like = nearest && t('live.like', { name: nearest.person, similarity: similarityText(nearest.similarity) });
  return { title, detail: like ?? '' };
}
