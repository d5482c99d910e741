// The rows that every part of the benchmark gives: one comparison each.
//
//   name, ours_ms, rival, rival_ms, ratio, threads, batch
//       always. Where nothing is compared, rival, rival_ms and ratio are null; ours_ms too where
//       what is measured is no time, but given in fields of its own
//   ratio_low, ratio_high
//       quartiles of the paired rounds' ratios
//   precision, giga_operations
//       fp32 or int8, and the work of one run: for the share of the processor's peak
//   ours_gb_s, bandwidth_share
//       what is read from memory a second, and the share of what memory gives
//   recall, rival_recall
//       of approximate search: the share of the true neighbours that is found
//   load, p50_ms, p90_ms, p99_ms, p99_of_p50, with ..._least and ..._greatest, refused
//       of a server: the share of its throughput that is asked for, percentiles of the time, and
//       how many requests were refused
//   part, gops, peak_share
//       added by bench/run
//
// The times are milliseconds for the whole batch. What else a part gives stays in the JSON.

const always = ['name', 'ours_ms', 'rival', 'rival_ms', 'ratio', 'threads', 'batch'];
const compared = ['rival', 'rival_ms', 'ratio', 'ours_ms'];

/**
 * Holds rows against the list above.
 *
 * fails: an Error that names the row and the field
 */
export function checkRows(rows, part) {
  if (!Array.isArray(rows)) throw new Error(`${part}: its rows are no list`);
  rows.forEach((row, index) => {
    const bad = (field) =>
      new Error(
        `${part}, row ${index} (${row?.name}): ${field} is ${JSON.stringify(row?.[field])}`,
      );
    for (const field of always) {
      if (!(field in Object(row))) throw bad(field);
      if (
        row[field] === null &&
        compared.includes(field) &&
        row.rival === null &&
        row.ratio === null &&
        row.rival_ms === null
      )
        continue;
      const isText = field === 'name' || field === 'rival';
      const good = isText
        ? typeof row[field] === 'string' && row[field] !== ''
        : Number.isFinite(row[field]) && row[field] > 0;
      if (!good) throw bad(field);
    }
  });
  return rows;
}

/**
 * Sets each row that tells its work beside what the processor can do at most on as many cores.
 *
 * in:  `roofline` as faceforge_roofline prints it
 * out: rows with `gops` (10^9 operations a second) and `peak_share`
 */
export function besideRoofline(rows, roofline) {
  return rows.map((row) => {
    const peak = { fp32: roofline.fp32_gflops, int8: roofline.int8_gops }[row.precision]?.[
      row.threads
    ];
    if (!row.giga_operations || !peak) return row;
    const gops = row.giga_operations / (row.ours_ms / 1000);
    return { ...row, gops, peak_share: gops / peak };
  });
}

/** A list with one object a line. */
export const toJson = (rows) => `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`;
