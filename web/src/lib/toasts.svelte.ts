export interface Toast {
  id: number;
  words: string;
  tone: 'plain' | 'bad';
  action?: { words: string; act: () => void };
}

const shown_ms = 7000;

/** Short notes at the edge of the page, which go by themselves. */
class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(words: string, options: Pick<Toast, 'action'> & { tone?: Toast['tone']; stays_ms?: number } = {}) {
    const { tone = 'plain', action, stays_ms = shown_ms } = options;
    const id = this.#next++;
    this.list.push({ id, words, tone, action });
    setTimeout(() => this.dismiss(id), stays_ms);
    return id;
  }

  dismiss(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
