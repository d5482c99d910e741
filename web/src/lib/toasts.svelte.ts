/** How long what was done can be undone. */
export const undo_ms = 10_000;

export interface Toast {
  id: number;
  words: string;
  tone: 'plain' | 'bad';
  /** What undoes what the note tells of. */
  undo?: () => void;
  /** When the note goes. */
  due_ms: number;
}

const shown_ms = 7000;

/** Short notes at the edge of the page, which go by themselves. */
class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  say(words: string, options: Pick<Toast, 'undo'> & { tone?: Toast['tone'] } = {}) {
    const { tone = 'plain', undo } = options;
    const id = this.#next++;
    const stays_ms = undo ? undo_ms : shown_ms;
    this.list.push({ id, words, tone, undo, due_ms: Date.now() + stays_ms });
    setTimeout(() => this.dismiss(id), stays_ms);
    return id;
  }

  /** For whoever logs out: the notes name people, and what they undo is not the next account's. */
  clear() {
    this.list = [];
  }

  dismiss(id: number) {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
