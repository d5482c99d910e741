/** The time, to the second, for what counts down on a page. */
class Clock {
  now_ms = $state(Date.now());

  constructor() {
    setInterval(() => (this.now_ms = Date.now()), 1000);
  }
}

export const clock = new Clock();
