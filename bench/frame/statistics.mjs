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
