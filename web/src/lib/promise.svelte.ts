import { kept } from './kept';

export const matchRates = [0.01, 0.001, 0.0001, 0.00001, 0.000001] as const;
export const identificationRates = [0.1, 0.01, 0.001] as const;

/** A rate that a gallery's questions promise, as its user chose it in this browser. */
class Rate {
  #value = $state(0);

  constructor(
    private readonly key: string,
    fallback: number,
  ) {
    const before = Number(kept.read(key));
    this.#value = before > 0 && before <= 0.5 ? before : fallback;
  }

  get value() {
    return this.#value;
  }

  set value(rate: number) {
    this.#value = rate;
    kept.write(this.key, String(rate));
  }
}

/** How often a stranger may be accepted as one claimed person of a gallery. */
export const matchRateOf = (galleryId: number) => new Rate(`faceforge.fmr.${galleryId}`, 0.0001);
/** How often a stranger may be taken for anyone of a gallery. */
export const identificationRateOf = (galleryId: number) =>
  new Rate(`faceforge.fpir.${galleryId}`, 0.01);
