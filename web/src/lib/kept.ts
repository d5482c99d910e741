/** Text that a browser keeps, in a browser that may keep nothing: then it is forgotten with the page. */
class Kept {
  constructor(private readonly storage: () => Storage) {}

  read(key: string): string | null {
    try {
      return this.storage().getItem(key);
    } catch {
      return null;
    }
  }

  write(key: string, text: string) {
    try {
      this.storage().setItem(key, text);
    } catch {
      // Blocked or full: nothing here is worth an error.
    }
  }

  forget(key: string) {
    try {
      this.storage().removeItem(key);
    } catch {
      // There was nothing to forget.
    }
  }
}

/** Across visits. */
export const kept = new Kept(() => localStorage);
/** As long as the tab is open, also when it is loaded again. */
export const keptInTab = new Kept(() => sessionStorage);
