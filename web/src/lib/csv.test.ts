import { expect, test } from 'vitest';
import type { IdentifyReport } from './api';
import { csvOf } from './csv';

const face = (person: string): IdentifyReport['faces'][number] => ({
  box: { x: 1, y: 2, width: 3, height: 4 }, detection_score: 1, landmarks: [[0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
  quality: { face_size_px: 3, sharpness: 1, brightness: 0.5, yaw_deg: 0, pitch_deg: 0, roll_deg: 0 },
  decision: 'match', person, similarity: 0.5, match_threshold: 0.4, false_match_rate: 0.001, extrapolated: false, too_small: false,
  candidates: [{ person, person_id: 1, similarity: 0.5, reference: null, reference_similarity: null }],
});
const report = (...people: string[]): IdentifyReport => ({
  width_px: 10, height_px: 10, model_id: 'm', person_count: 2, false_positive_identification_rate: 0.01, faces: people.map(face),
});
const lines = (text: string) => text.split('\r\n');

test('each face has its line, and so has a photo without one', () => {
  const text = csvOf([
    { file_name: 'a.jpg', report: report('Ada', 'Bob'), problem: '' },
    { file_name: 'b.jpg', report: report(), problem: '' },
    { file_name: 'c.jpg', report: null, problem: 'Too large' },
  ]);
  expect(lines(text)).toEqual([
    'file,face,verdict,person,nearest,similarity,threshold,x,y,width,height,problem',
    'a.jpg,1,match,Ada,Ada,0.5,0.4,1,2,3,4,',
    'a.jpg,2,match,Bob,Bob,0.5,0.4,1,2,3,4,',
    'b.jpg,,,,,,,,,,,no face',
    'c.jpg,,,,,,,,,,,Too large',
    '',
  ]);
});

test('a name with commas and quotes stays one cell, and one that begins a formula stays text', () => {
  const [, first, second] = lines(csvOf([{ file_name: 'a.jpg', report: report('O"Hara, Ann', '=HYPERLINK(1)'), problem: '' }]));
  expect(first).toContain(',"O""Hara, Ann",');
  expect(second).toContain(",'=HYPERLINK(1),");
});
