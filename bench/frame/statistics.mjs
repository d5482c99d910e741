// The arithmetic of the benchmark.

/**
 * The value below which a share of the list lies, between neighbours in proportion (Hyndman and Fan
 * 1996, type 7).
 */
export function quantile(list, share) {
  if (list.length === 0) throw new RangeError('a quantile of no numbers');
  const sorted = list.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

export const median = (list) => quantile(list, 0.5);

/**
 * How many times faster we are than a rival, round by round: both sides of a round met the same
 * neighbours on the machine, so what disturbs both cancels out.
 *
 * in:  times of paired rounds, in the same order
 * out: the median of the pairs' ratios, and their quartiles as the spread
 */
export function pairedRatio(ours, theirs) {
  if (ours.length !== theirs.length)
    throw new RangeError(`${ours.length} rounds of ours, ${theirs.length} of theirs`);
  const ratios = ours.map((own, round) => theirs[round] / own);
  return {
    ratio: median(ratios),
    ratio_low: quantile(ratios, 0.25),
    ratio_high: quantile(ratios, 0.75),
  };
}

/**
 * Latencies of a server under one load. Each figure is the median of the rounds, for a machine's
 * speed changes between them, and the tail's least and greatest stand beside it.
 *
 * in:  a list of milliseconds for each round, and how many requests were refused in all
 * out: `p99_of_p50` is the median of each round's own ratio; without any answer only the counts
 */
export function latencySummary(rounds, refused) {
  const answered = rounds.filter((latencies) => latencies.length > 0);
  const requests_per_round = rounds.map((latencies) => latencies.length);
  if (answered.length === 0) return { requests_per_round, refused };
  const of = (share) => answered.map((latencies) => quantile(latencies, share));
  const [p50, p99] = [of(0.5), of(0.99)];
  const p99_of_p50 = p99.map((time, round) => time / p50[round]);
  return {
    p50_ms: median(p50),
    p90_ms: median(of(0.9)),
    p99_ms: median(p99),
    p99_least_ms: Math.min(...p99),
    p99_greatest_ms: Math.max(...p99),
    p99_of_p50: median(p99_of_p50),
    p99_of_p50_least: Math.min(...p99_of_p50),
    p99_of_p50_greatest: Math.max(...p99_of_p50),
    requests_per_round,
    refused,
  };
}
