// The figures as Markdown tables, for docs/performance.md.
import { goalOf } from './goals.mjs';

export const titles = {
  networks: 'Networks',
  photo: 'A whole photo',
  search: 'Search',
  http_load: 'Over HTTP',
};

/** Three significant digits, as people write them. */
export function short(number) {
  if (!Number.isFinite(number)) return '';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(number) || 1)));
  return number.toFixed(Math.min(digits, 3));
}

const percent = (share) => `${Math.round(100 * share)} %`;

/** How near to the machine's peak: `71 GFLOP/s, 75 %`. */
export function speedOf(row) {
  if (row.gops)
    return `${short(row.gops)} ${row.precision === 'int8' ? 'GOP/s' : 'GFLOP/s'}, ${percent(row.peak_share)}`;
  if (row.ours_gb_s)
    return `${short(row.ours_gb_s)} GB/s${row.bandwidth_share ? `, ${percent(row.bandwidth_share)}` : ''}`;
  return '';
}

export const spreadOf = (row) =>
  Number.isFinite(row.ratio_low) && Number.isFinite(row.ratio_high)
    ? `${short(row.ratio_low)} to ${short(row.ratio_high)}`
    : '';

const line = (cells) => `| ${cells.join(' | ')} |`;

function table(head, rows) {
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function comparisons(rows, machine) {
  const head = [
    'what',
    'batch',
    'threads',
    'FaceForge, ms',
    'rival',
    'rival, ms',
    'times faster',
    'quartiles',
    'speed, share of the peak',
    'goal',
  ];
  return table(
    head,
    rows.map((row) => {
      const goal = goalOf(row, machine);
      return [
        row.name,
        row.batch,
        row.threads,
        short(row.ours_ms),
        row.rival,
        short(row.rival_ms),
        short(row.ratio),
        spreadOf(row),
        speedOf(row),
        goal ? `${goal.at_least}: ${goal.state}` : '',
      ];
    }),
  );
}

/** What a row measured beside the time: `p50 13 ms, p99 31 ms, 2 refused`. */
export function otherFigures(row) {
  const units = { _mb: 'MB', _ms: 'ms', _per_s: 'a second' };
  const figures = Object.entries(row)
    .flatMap(([field, value]) => {
      const end = Object.keys(units).find((unit) => field.endsWith(unit));
      if (!end || !Number.isFinite(value) || ['ours_ms', 'rival_ms'].includes(field)) return [];
      return [`${field.slice(0, -end.length).replaceAll('_', ' ')} ${short(value)} ${units[end]}`];
    });
  if (Number.isFinite(row.p99_of_p50)) {
    const spread = `${short(row.p99_of_p50_least)} to ${short(row.p99_of_p50_greatest)} in the rounds`;
    figures.push(`p99 ${short(row.p99_of_p50)} times p50 (${spread})`);
  }
  if (row.refused > 0) figures.push(`${row.refused} refused`);
  return figures.join(', ');
}

function measurements(rows) {
  return table(
    ['what', 'threads', 'ms', 'other figures'],
    rows.map((row) => [row.name, row.threads, short(row.ours_ms ?? NaN), otherFigures(row)]),
  );
}

/** The machine and its peaks, as two lists of pairs: a word and its value. */
export function describe({ machine, roofline, form, measured_at, seconds }) {
  const each = (byThreads) =>
    Object.entries(byThreads)
      .map(([threads, value]) => `${short(value)} (${threads})`)
      .join(', ');
  return {
    machine: [
      ['processor', machine.processor],
      ['cores', `${machine.cores}, ${machine.instructions}`],
      ['memory', `${machine.memory_gib} GiB`],
      ['system', `${machine.system}, Linux ${machine.kernel}`],
      [
        'versions',
        Object.entries(machine.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      ],
      [
        'run',
        `${form} form, ${measured_at.slice(0, 10)}, commit ${machine.commit}, ${Math.round(seconds)} s, load at the start ${machine.load.toFixed(2)}`,
      ],
    ],
    peaks: [
      [`floats, ${roofline.fp32_instructions}`, `GFLOP/s (threads): ${each(roofline.fp32_gflops)}`],
      [`bytes, ${roofline.int8_instructions}`, `GOP/s (threads): ${each(roofline.int8_gops)}`],
      ['reading memory', `GB/s (threads): ${each(roofline.read_gigabytes_per_second)}`],
    ],
  };
}

/** All of a run: the machine, its peaks, and a table for each part. */
export function markdown(run) {
  const { machine, peaks } = describe(run);
  const parts = [...new Set(run.rows.map(({ part }) => part))].flatMap((part) => {
    const rows = run.rows.filter((row) => row.part === part);
    const compared = rows.filter(({ rival }) => rival !== null);
    const alone = rows.filter(({ rival }) => rival === null);
    return [
      `### ${titles[part] ?? part}`,
      ...(compared.length ? [comparisons(compared, run.machine)] : []),
      ...(alone.length ? [measurements(alone)] : []),
    ];
  });
  return `${[table(['machine', ''], machine), table(['measured peak', ''], peaks), ...parts].join('\n\n')}\n`;
}
