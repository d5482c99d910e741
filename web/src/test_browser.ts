// What the tested code needs of a browser and Node lacks.
import 'fake-indexeddb/auto';

class MemoryStorage {
  #entries = new Map<string, string>();
  getItem = (key: string) => this.#entries.get(key) ?? null;
  setItem = (key: string, text: string) => void this.#entries.set(key, text);
  removeItem = (key: string) => void this.#entries.delete(key);
  clear = () => this.#entries.clear();
}

Object.assign(globalThis, {
  localStorage: new MemoryStorage(),
  sessionStorage: new MemoryStorage(),
  navigator: {},
  window: Object.assign(globalThis, { location: { origin: 'http://faceforge.test' } }),
});
