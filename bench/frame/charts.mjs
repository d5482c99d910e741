// The plots of the report: Vega-Lite specifications, drawn to SVG here, so that the page needs no
// script. Colours are the page's CSS variables: one drawing serves light and dark.
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';

const width_px = 440;
const font = 'system-ui, sans-serif';

/**
 * Widths of letters in a wide sans serif font, in heights. Without a canvas Vega takes every letter
 * for 0.8.
 */
const letterWidth = (letter) =>
  /[A-Z0-9]/.test(letter)
    ? 0.66
    : /[ijlt.,' |-]/.test(letter)
      ? 0.38
      : /[mwMW%]/.test(letter)
        ? 0.9
        : 0.6;
const textWidth = (item, text) =>
  [...String(text)].reduce((sum, letter) => sum + letterWidth(letter), 0) * (item.fontSize ?? 11);
vega.textMetrics.width = (item, text) =>
  Array.isArray(text)
    ? Math.max(...text.map((line) => textWidth(item, line)))
    : textWidth(item, text);

const config = {
  background: null,
  font,
  padding: 4,
  view: { stroke: null },
  axis: {
    labelColor: 'var(--ink)',
    titleColor: 'var(--quiet)',
    domainColor: 'var(--line)',
    tickColor: 'var(--line)',
    gridColor: 'var(--line)',
    labelFontSize: 13,
    titleFontSize: 13,
    titleFontWeight: 'normal',
    labelLimit: 0,
  },
};

/** Draws a specification to SVG that scales with its place. */
export async function draw({ legend, ...spec }) {
  const compiled = vegaLite.compile(
    { width: width_px, autosize: { type: 'fit-x', contains: 'padding' }, ...spec, config },
    {
      logger: vega.logger(vega.Error),
    },
  );
  const view = new vega.View(vega.parse(compiled.spec), { renderer: 'none', logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
  return svg.replace(/<svg ([^>]*?)width="[^"]*" height="[^"]*"/, '<svg $1');
}

/** Colours stay with a runtime throughout the page. */
const colours = [
  [/^FaceForge.*int8/, 'var(--ours-strong)'],
  [/^FaceForge/, 'var(--ours)'],
  [/^ONNX Runtime/, 'var(--rival-a)'],
  [/^(LibTorch|FAISS)/, 'var(--rival-b)'],
  [/./, 'var(--rival-c)'],
];
const colourOf = (label) => colours.find(([pattern]) => pattern.test(label))[1];
const colourScale = (labels) => ({ domain: labels, range: labels.map(colourOf) });

// Legends are the page's, not the drawing's: they wrap on a telephone. An entry is { mark, colour,
// text }.
const lineLegend = (labels) => labels.map((text) => ({ mark: '●', colour: colourOf(text), text }));

/** Lines of a label that is too long for one: broken at spaces. */
function lines(text, limit = 26) {
  return text
    .split(' ')
    .reduce((done, word) => {
      const last = done.at(-1);
      return last !== undefined && `${last} ${word}`.length <= limit
        ? [...done.slice(0, -1), `${last} ${word}`]
        : [...done, word];
    }, [])
    .join('\n');
}
const nameAxis = {
  title: null,
  ticks: false,
  domain: false,
  labelPadding: 8,
  labelExpr: "split(datum.label, '\\n')",
};

/** Ticks of a logarithmic axis that people read: doublings, and no more than fit. */
export function doublings(low, high) {
  let first = Math.floor(Math.log2(low));
  const last = Math.ceil(Math.log2(high));
  const step = Math.ceil((last - first) / 7) || 1;
  if (step > 1) first = Math.floor(first / step) * step; // so that 1 is among them
  return Array.from(
    { length: Math.floor((last - first) / step) + 1 },
    (_, index) => 2 ** (first + index * step),
  );
}

const shapes = [
  ['circle', '●'],
  ['square', '■'],
  ['triangle-up', '▲'],
  ['diamond', '◆'],
  ['cross', '✚'],
  ['triangle-down', '▼'],
];
const words = (count, word) => `${count} ${word}${count === 1 ? '' : 's'}`;

/**
 * How many times faster we are than one rival: the median of the rounds' ratios with its quartiles,
 * and the goal.
 *
 * in: rows against one rival, each with `goal` where there is one
 */
export function ratioSpec(rows) {
  const lowest = Math.min(0.9, ...rows.map((row) => row.ratio_low ?? row.ratio));
  const highest = Math.max(
    1.1,
    ...rows.map((row) => Math.max(row.ratio_high ?? row.ratio, row.goal ?? 0)),
  );
  const ticks = doublings(lowest, highest);
  const values = rows
    .toSorted((a, b) => a.batch - b.batch || a.threads - b.threads)
    .map((row) => ({
      told: `${row.name}, batch ${row.batch}, ${words(row.threads, 'thread')}: ${row.ratio} times faster`,
      name: lines(row.name),
      how: `batch ${row.batch}, ${words(row.threads, 'thread')}`,
      ratio: row.ratio,
      low: row.ratio_low ?? row.ratio,
      high: row.ratio_high ?? row.ratio,
      goal: row.goal,
      colour: colourOf(`FaceForge ${row.precision ?? 'int8'}`),
    }));
  const names = [...new Set(rows.map(({ name }) => lines(name)))];
  const lineCount = Math.max(...names.map((name) => name.split('\n').length));
  const ways = [...new Set(values.map(({ how }) => how))];
  const x = (field) => ({
    field,
    type: 'quantitative',
    scale: { type: 'log', base: 2, domain: [ticks[0], ticks.at(-1)] },
    axis: { values: ticks, format: '~r', title: 'times faster' },
  });
  const y = { field: 'name', type: 'nominal', sort: names, axis: nameAxis };
  const yOffset = { field: 'how', type: 'nominal', sort: ways };
  const color = { field: 'colour', type: 'nominal', scale: null, legend: null };
  const shape = {
    field: 'how',
    type: 'nominal',
    sort: ways,
    legend: null,
    scale: { domain: ways, range: ways.map((_, index) => shapes[index % shapes.length][0]) },
  };
  return {
    data: { values },
    height: { step: Math.max(ways.length * 9 + 14, 40, lineCount * 17 + 8), for: 'position' },
    layer: [
      {
        data: { values: [{}] },
        mark: { type: 'rule', aria: false, color: 'var(--quiet)', strokeWidth: 1.5 },
        encoding: { x: { datum: 1 } },
      },
      {
        transform: [{ filter: 'isValid(datum.goal)' }],
        mark: {
          type: 'tick',
          aria: false,
          opacity: 1,
          color: 'var(--goal)',
          thickness: 2.5,
          bandSize: 24,
        },
        encoding: { x: x('goal'), y },
      },
      {
        mark: { type: 'rule', aria: false, strokeWidth: 2.5, opacity: 0.5 },
        encoding: { x: x('low'), x2: { field: 'high' }, y, yOffset, color },
      },
      {
        mark: { type: 'point', filled: true, size: 60, opacity: 1 },
        encoding: { x: x('ratio'), y, yOffset, color, shape, description: { field: 'told' } },
      },
    ],
    legend: [
      ...ways.map((text, index) => ({
        mark: shapes[index % shapes.length][1],
        colour: 'var(--quiet)',
        text,
      })),
      ...(rows.some(({ goal }) => goal)
        ? [{ mark: '┃', colour: 'var(--goal)', text: 'goal' }]
        : []),
    ],
  };
}

/** Pictures a second against the batch, on so many threads. */
export function throughputSpec(rows) {
  const points = new Map();
  for (const row of rows) {
    const add = (runtime, time_ms) =>
      points.set(`${runtime} ${row.batch}`, {
        runtime,
        batch: row.batch,
        rate: (1000 * row.batch) / time_ms,
      });
    add(`FaceForge ${row.precision}`, row.ours_ms);
    add(row.rival, row.rival_ms);
  }
  const values = [...points.values()];
  const runtimes = [...new Set(values.map(({ runtime }) => runtime))];
  const batches = [...new Set(values.map(({ batch }) => batch))].sort((a, b) => a - b);
  return {
    data: { values },
    height: 240,
    mark: { type: 'line', point: { filled: true, size: 50 }, strokeWidth: 2.5 },
    encoding: {
      x: {
        field: 'batch',
        type: 'quantitative',
        scale: { type: 'log', base: 2 },
        axis: { values: batches, format: 'd', grid: false, title: 'pictures in a batch' },
      },
      y: {
        field: 'rate',
        type: 'quantitative',
        scale: { zero: true },
        axis: { title: null, tickCount: 5 },
      },
      color: { field: 'runtime', type: 'nominal', scale: colourScale(runtimes), legend: null },
    },
    legend: lineLegend(runtimes),
  };
}

/**
 * What of the processor's or the memory's peak is used: one bar a row. Winograd's convolutions may
 * reach more than the peak: operations are counted as direct ones need them.
 */
export function rooflineSpec(rows) {
  const values = rows.map((row) => ({
    name: `${row.name}${row.batch > 1 ? `, batch ${row.batch}` : ''}`,
    share: 100 * (row.peak_share ?? row.bandwidth_share),
    kind: row.peak_share ? `FaceForge ${row.precision}` : 'FaceForge fp32',
  }));
  const names = [...new Set(values.map(({ name }) => name))];
  const kinds = [...new Set(values.map(({ kind }) => kind))];
  const greatest = Math.max(...values.map(({ share }) => share));
  const quarters = Math.ceil(Math.max(100, greatest) / 25);
  const ticks = Array.from({ length: quarters + 1 }, (_, quarter) => 25 * quarter);
  return {
    data: { values },
    height: 26 * names.length,
    encoding: {
      y: {
        field: 'name',
        type: 'nominal',
        sort: names,
        axis: { ...nameAxis, labelExpr: 'datum.label' },
      },
    },
    layer: [
      {
        mark: { type: 'bar', height: 14, cornerRadiusEnd: 2 },
        encoding: {
          x: {
            field: 'share',
            type: 'quantitative',
            scale: { domain: [0, Math.max(ticks.at(-1), 1.35 * greatest)] }, // room for three figures
            axis: { title: '% of the measured peak', values: ticks },
          },
          color: { field: 'kind', type: 'nominal', scale: colourScale(kinds), legend: null },
        },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 13, color: 'var(--ink)' },
        encoding: {
          x: { field: 'share', type: 'quantitative' },
          text: { field: 'share', type: 'quantitative', format: '.0f' },
        },
      },
    ],
  };
}

/** Recall against the time of one query, a point a setting: up and to the left is better. */
export function recallSpec(points) {
  const runtimes = [...new Set(points.map(({ runtime }) => runtime))];
  const times = points.map(({ time_ms }) => time_ms);
  const ticks = doublings(Math.min(...times), Math.max(...times));
  const x = {
    field: 'time_ms',
    type: 'quantitative',
    scale: { type: 'log', base: 2, domain: [ticks[0], ticks.at(-1)] },
    axis: { title: 'milliseconds a query', values: ticks, format: '.3~g' },
  };
  return {
    data: { values: points },
    height: 260,
    mark: { type: 'line', point: { filled: true, size: 50 }, strokeWidth: 2.5, clip: false },
    encoding: {
      x,
      y: {
        field: 'recall',
        type: 'quantitative',
        scale: { zero: false, domainMax: 1 },
        axis: { title: null, format: '.3~f', tickCount: 6 },
      },
      order: { field: 'time_ms', type: 'quantitative' },
      color: { field: 'runtime', type: 'nominal', scale: colourScale(runtimes), legend: null },
    },
    legend: lineLegend(runtimes),
  };
}

/** Percentiles of the answer's time against how much is asked for. */
export function latencySpec(points, loadTitle) {
  const percentiles = [...new Set(points.map(({ percentile }) => percentile))];
  const range = ['var(--ours)', 'var(--ours-strong)', 'var(--rival-b)', 'var(--rival-c)'].slice(
    0,
    percentiles.length,
  );
  return {
    data: { values: points },
    height: 240,
    mark: { type: 'line', point: { filled: true, size: 50 }, strokeWidth: 2.5 },
    encoding: {
      x: {
        field: 'load',
        type: 'quantitative',
        axis: { title: loadTitle, grid: false, tickCount: 6 },
      },
      y: {
        field: 'time_ms',
        type: 'quantitative',
        scale: { zero: true },
        axis: { title: null, tickCount: 5 },
      },
      color: {
        field: 'percentile',
        type: 'nominal',
        scale: { domain: percentiles, range },
        legend: null,
      },
    },
    legend: percentiles.map((text, index) => ({ mark: '●', colour: range[index], text })),
  };
}
