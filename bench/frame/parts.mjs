// The parts of the benchmark, in the order in which they run. Each is a program in bench/ that is
// called with `--json FILE`, and with the words of `quick` for the short form, and writes rows as
// bench/frame/rows.mjs lists them. `minutes` is what they may be expected to take on two cores;
// once they have run here, what they took is remembered instead.
export const parts = [
  { name: 'networks', minutes: { quick: 3.5, full: 25 }, quick: ['--quick'] },
  { name: 'photo', minutes: { quick: 1, full: 4 }, quick: ['--quick'] },
  // Building the approximate indexes takes minutes even for 100 000 rows: the full form has them.
  { name: 'search', minutes: { quick: 1.5, full: 20 }, quick: ['--quick', '--exact'] },
  {
    name: 'http_load',
    minutes: { quick: 2.5, full: 8 },
    quick: ['--seconds', '3', '--rounds', '5', '--identifies', '1000'],
  },
];

/** A part that takes longer than this many times what was expected has got stuck, and is ended. */
export const patience = 4;
