import type { IdentifyReport } from './api';

/** One photo of a batch. */
export interface BatchRow {
  file_name: string;
  report: IdentifyReport | null;
  /** Why there is no report. */
  problem: string;
}

const header = ['file', 'face', 'verdict', 'person', 'nearest', 'similarity', 'threshold', 'x', 'y', 'width', 'height', 'problem'];

/**
 * A cell of a table that programs for tables open too: what would begin a formula there is kept from being one.
 *
 * source: RFC 4180, section 2; OWASP, "CSV Injection"
 */
function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** The answers of a batch, one line a face; a photo without a face, or without an answer, has one line too. */
export function csvOf(rows: BatchRow[]): string {
  const lines = rows.flatMap(({ file_name, report, problem }) => {
    const faces = report?.faces ?? [];
    if (faces.length === 0) return [[file_name, '', '', '', '', '', '', '', '', '', '', problem || 'no face']];
    return faces.map((face, index) => [
      file_name, index + 1, face.decision, face.person ?? '', face.candidates[0]?.person ?? '', face.similarity ?? '',
      face.match_threshold, face.box.x, face.box.y, face.box.width, face.box.height, '',
    ]);
  });
  return [header, ...lines].map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n';
}
