// bench/report.html: a page without scripts that asks no host for anything.
import {
  draw,
  latencySpec,
  ratioSpec,
  recallSpec,
  rooflineSpec,
  throughputSpec,
} from './charts.mjs';
import { goalOf } from './goals.mjs';
import { style } from './report_style.mjs';
import { describe, otherFigures, short, speedOf, spreadOf, titles } from './table.mjs';

const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escape = (text) => String(text).replace(/[&<>"]/g, (sign) => escapes[sign]);

const introductions = {
  networks:
    'The same input, the same threads, turn by turn; a point is the median of the rounds’ ratios, its line their quartiles.',
  photo: 'From the bytes of a JPEG to an embedding of each face.',
  search: 'The most similar of many embeddings.',
  http_load: 'The whole server, asked by many clients at once.',
};

const marks = { met: '✓', missed: '✗', 'needs VNNI': '–' };

const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

async function figure(title, spec, note = '') {
  const caption = `<figcaption><b>${escape(title)}</b>${note ? ` ${escape(note)}` : ''}</figcaption>`;
  const legend = (spec.legend ?? []).map(
    ({ mark, colour, text }) => `<li><i style="color:${colour}">${mark}</i>${escape(text)}</li>`,
  );
  return `<figure>${caption}${legend.length > 1 ? `<ul>${legend.join('')}</ul>` : ''}${await draw(spec)}</figure>`;
}

/**
 * In the throughput plots batches stand side by side; among the ratios the two that tell most are
 * enough.
 */
const outstanding = ({ part, batch }) => part !== 'networks' || batch === 1 || batch === 8;

async function ratioFigures(rows, machine) {
  const figures = [];
  for (const rival of new Set(rows.map((row) => row.rival))) {
    const against = rows
      .filter((row) => row.rival === rival && outstanding(row))
      .map((row) => ({ ...row, goal: goalOf(row, machine)?.at_least }));
    if (against.length > 0) figures.push(await figure(`Against ${rival}`, ratioSpec(against)));
  }
  return figures;
}

async function throughputFigures(rows) {
  const figures = [];
  for (const network of new Set(rows.map((row) => row.network))) {
    for (const threads of new Set(rows.map((row) => row.threads))) {
      const those = rows.filter((row) => row.network === network && row.threads === threads);
      if (new Set(those.map(({ batch }) => batch)).size < 3) continue;
      figures.push(
        await figure(
          `${network}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
          throughputSpec(those),
          'Pictures a second.',
        ),
      );
    }
  }
  return figures;
}

async function recallFigures(rows) {
  const points = rows.flatMap((row) => [
    { runtime: 'FaceForge', recall: row.recall, time_ms: row.ours_ms },
    ...(Number.isFinite(row.rival_recall)
      ? [{ runtime: row.rival, recall: row.rival_recall, time_ms: row.rival_ms }]
      : []),
  ]);
  return points.length > 0
    ? [
        await figure(
          'Recall against latency',
          recallSpec(points),
          'The share of the true ten nearest that is found; up and to the left is better.',
        ),
      ]
    : [];
}

async function latencyFigures(rows) {
  const percentiles = { p50_ms: 'median', p90_ms: '90 %', p99_ms: '99 %' };
  const points = rows.flatMap((row) =>
    Object.entries(percentiles)
      .filter(([field]) => Number.isFinite(row[field]))
      .map(([field, percentile]) => ({ load: 100 * row.load, percentile, time_ms: row[field] })),
  );
  if (new Set(points.map(({ load }) => load)).size < 2) return [];
  return [
    await figure(
      'Latency against load',
      latencySpec(points, '% of the throughput'),
      'Milliseconds within which so many answers came.',
    ),
  ];
}

async function figuresOf(rows, machine) {
  const peaks = rows.filter(
    (row) => row.threads === 1 && outstanding(row) && (row.peak_share || row.bandwidth_share),
  );
  const once = [...new Map(peaks.map((row) => [`${row.name} ${row.batch}`, row])).values()];
  return [
    ...(await ratioFigures(
      rows.filter((row) => row.rival !== null && row.recall === undefined),
      machine,
    )),
    ...(await throughputFigures(
      rows.filter((row) => row.network && row.rival?.startsWith('ONNX Runtime')),
    )),
    ...(await recallFigures(rows.filter((row) => Number.isFinite(row.recall)))),
    ...(await latencyFigures(rows.filter((row) => Number.isFinite(row.load)))),
    ...(once.length > 0
      ? [await figure('Share of the machine’s peak, 1 thread', rooflineSpec(once))]
      : []),
  ];
}

function tableOf(rows, machine) {
  const cells = (row) => {
    const goal = goalOf(row, machine);
    const mark = goal
      ? `<span class="${slug(goal.state)}">${marks[goal.state]} ${goal.at_least}</span>`
      : '';
    return [
      `<td>${escape(row.name)}</td><td>${row.batch}</td><td>${row.threads}</td><td>${short(row.ours_ms ?? NaN)}</td>`,
      row.rival === null
        ? `<td colspan="4">${escape(otherFigures(row))}</td>`
        : `<td>${escape(row.rival)}</td><td>${short(row.rival_ms)}</td><td><b>${short(row.ratio)}</b></td><td>${spreadOf(row)}</td>`,
      `<td>${escape(speedOf(row))}</td><td>${mark}</td>`,
    ].join('');
  };
  const head = [
    'what',
    'batch',
    'threads',
    'FaceForge, ms',
    'rival',
    'ms',
    'times faster',
    'quartiles',
    'speed, of the peak',
    'goal',
  ];
  return `<details><summary>All ${rows.length} figures</summary><div class="wide"><table>
<thead><tr>${head.map((word) => `<th>${word}</th>`).join('')}</tr></thead>
<tbody>${rows.map((row) => `<tr>${cells(row)}</tr>`).join('\n')}</tbody></table></div></details>`;
}

/** The goals first, each with the worst of its rows. */
function goalsTable(rows, machine) {
  const worst = new Map();
  for (const row of rows) {
    const goal = goalOf(row, machine);
    if (!goal) continue;
    const key = `${row.name} ${row.rival}`;
    if (!worst.has(key) || worst.get(key).ratio > row.ratio) worst.set(key, { ...goal, ...row });
  }
  const lines = [...worst.values()].map(
    ({ state, at_least, ratio, name, rival }) =>
      `<tr><td class="${slug(state)}">${marks[state]}</td><td>${escape(name)}<small>${state}, against ${escape(rival)}</small></td>
<td><b>${short(ratio)}</b></td><td>${at_least}</td></tr>`,
  );
  if (lines.length === 0) return '';
  return `<section><h2>Goals</h2><p>How many times faster, the slowest of the batches and threads measured. Networks on bytes have theirs
where the processor multiplies bytes (VNNI).</p><div class="wide"><table class="goals"><thead><tr><th></th><th>what</th><th>times faster</th>
<th>goal</th></tr></thead><tbody>${lines.join('\n')}</tbody></table></div></section>`;
}

const pairs = (list) =>
  `<dl>${list.map(([word, value]) => `<dt>${escape(word)}</dt><dd>${escape(value)}</dd>`).join('')}</dl>`;

/**
 * The report of a run, as one file.
 *
 * in:  `run` as bench/run keeps it: `{ form, measured_at, seconds, machine, roofline, rows,
 *      complaints }`
 */
export async function reportPage(run) {
  const sections = [];
  for (const part of new Set(run.rows.map((row) => row.part))) {
    const rows = run.rows.filter((row) => row.part === part);
    const figures = await figuresOf(rows, run.machine);
    sections.push(`<section><h2>${escape(titles[part] ?? part)}</h2><p>${escape(introductions[part] ?? '')}</p>
<div class="figures">${figures.join('\n')}</div>${tableOf(rows, run.machine)}</section>`);
  }
  const { machine, peaks } = describe(run);
  const complaints = run.complaints
    .map((complaint) => `<p class="complaint">${escape(complaint)}</p>`)
    .join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>FaceForge beside its rivals</title><style>${style}</style></head>
<body><main><header><h1>FaceForge beside its rivals</h1>
<p>${escape(run.machine.processor)}, ${run.machine.cores} cores, ${escape(run.machine.instructions)} · ${escape(run.measured_at.slice(0, 10))}</p>
${complaints}</header>
${goalsTable(run.rows, run.machine)}
${sections.join('\n')}
<section><h2>The machine</h2><div class="machine"><div>${pairs(machine)}</div><div><h3>Measured peak</h3>${pairs(peaks)}</div></div></section>
</main></body></html>
`;
}
