/** Between two looks at the gallery: a socket learns of a change up to a second after the gallery's own answer tells it. */
const lookAgain_ms = 2_000;

/**
 * Holds what the live socket says of recording against what the page shows, which somebody else may have changed: on
 * another device, with an API key.
 */
export class RecordingCheck {
  #looked_ms = -Infinity;

  /** `look` reads the gallery again. */
  constructor(private readonly look: () => Promise<void>) {}

  hear(isRecorded: boolean, shown: boolean) {
    const now_ms = performance.now();
    if (isRecorded === shown || now_ms - this.#looked_ms < lookAgain_ms) return;
    this.#looked_ms = now_ms;
    void this.look();
  }
}
