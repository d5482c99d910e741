import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { keptInTab } from '../kept';

/** A photo that is asked about, with what is known of it so far. */
export interface AskedPhoto<Note> {
  id: number;
  file: File;
  note: Note;
}

interface Stored {
  id: number;
  file_name: string;
  bytes: Blob;
  note: unknown;
  /** Of which tab of the browser. */
  tab: string;
  /** Of which account and page of it. */
  place: string;
}

interface Schema extends DBSchema {
  photos: { key: number; value: Stored; indexes: { tab: string; place: [string, string] } };
}

const tabKey = 'faceforge.tab';
const lockOf = (tab: string) => `faceforge.tab.${tab}`;

/**
 * Photos that are asked about and never stored on the server, so that a page which is loaded again still has them. They
 * belong to one tab: they go with its session, and those of a tab that was closed go as soon as another is opened. A
 * browser that keeps nothing, or has no room, forgets them with the page; so does one that cannot tell which tabs are
 * open, for it would keep them for ever: over plain http none has locks.
 */
class AskedStore {
  #database: Promise<IDBPDatabase<Schema>> | null = null;

  /** This tab, as long as it is open and however often it is loaded. */
  get tab() {
    const known = keptInTab.read(tabKey);
    if (known !== null) return known;
    const made = `${Date.now()}.${Math.random()}`;
    keptInTab.write(tabKey, made);
    return made;
  }

  /** Whether anything is kept. */
  get keeps() {
    return (navigator.locks as LockManager | undefined) !== undefined;
  }

  open() {
    this.#database ??= openDB<Schema>('faceforge-asked', 1, {
      upgrade(database) {
        const photos = database.createObjectStore('photos', { keyPath: 'id', autoIncrement: true });
        photos.createIndex('tab', 'tab');
        photos.createIndex('place', ['tab', 'place']);
      },
    });
    return this.#database;
  }

  /** Holds this tab's photos, and forgets those of tabs that are no longer open. */
  async start() {
    // What an earlier version, or a page of the same address over https, has left.
    if (!this.keeps) return this.#forget(() => true);
    const { locks } = navigator;
    // Held until the page goes; the lock of a tab that is copied is shared.
    void locks.request(lockOf(this.tab), { mode: 'shared' }, () => new Promise(() => {}));
    const { held = [] } = await locks.query();
    const open = new Set([lockOf(this.tab), ...held.map((lock) => lock.name)]);
    await this.#forget(({ tab }) => !open.has(lockOf(tab)));
  }

  /** Forgets the photos of an account, those of its other tabs too, for whoever logs out. */
  leave = (userId: number) => this.#forget(({ place }) => place.startsWith(`${userId} `));

  async #forget(isOver: (photo: Stored) => boolean) {
    try {
      const write = (await this.open()).transaction('photos', 'readwrite');
      for (let cursor = await write.store.openCursor(); cursor; cursor = await cursor.continue()) {
        if (isOver(cursor.value)) await cursor.delete();
      }
      await write.done;
    } catch {
      // A browser that keeps nothing has nothing to forget.
    }
  }
}

export const asked = new AskedStore();

/** The photos that one page asks about; `Note` is what is kept with each, as JSON could hold it. */
export class AskedPhotos<Note> {
  #range: [string, string];

  constructor(userId: number, galleryId: number, page: string) {
    this.#range = [asked.tab, `${userId} ${galleryId} ${page}`];
  }

  /** In the order they were added; none where the browser cannot say. */
  async list(): Promise<AskedPhoto<Note>[]> {
    if (!asked.keeps) return [];
    try {
      const stored = await (await asked.open()).getAllFromIndex('photos', 'place', this.#range);
      return stored.map(({ id, file_name, bytes, note }) => ({
        id,
        file: new File([bytes], file_name, { type: bytes.type }),
        note: note as Note,
      }));
    } catch {
      return [];
    }
  }

  /** Gives the photo's id; null where it could not be kept. */
  add = (file: File, note: Note) => this.#write(file, note, 'beside');

  /** As `add`, in place of all that the page had. */
  replace = (file: File, note: Note) => this.#write(file, note, 'instead');

  /** In one transaction: of two photos that take each other's place the later one stays. */
  async #write(file: File, note: Note, where: 'beside' | 'instead'): Promise<number | null> {
    if (!asked.keeps) return null;
    const [tab, place] = this.#range;
    const photo: Omit<Stored, 'id'> = { tab, place, file_name: file.name, bytes: file, note };
    try {
      const write = (await asked.open()).transaction('photos', 'readwrite');
      if (where === 'instead') {
        for (const id of await write.store.index('place').getAllKeys(this.#range)) await write.store.delete(id);
      }
      const id = await write.store.add(photo as Stored);
      await write.done;
      return id;
    } catch {
      return null;
    }
  }

  async note(id: number, note: Note) {
    try {
      const write = (await asked.open()).transaction('photos', 'readwrite');
      const before = await write.store.get(id);
      if (before) await write.store.put({ ...before, note });
      await write.done;
    } catch {
      // Then the page asks again when it is loaded again.
    }
  }

  async remove(id: number) {
    try {
      await (await asked.open()).delete('photos', id);
    } catch {
      // As with `clear`.
    }
  }

  async clear() {
    try {
      const write = (await asked.open()).transaction('photos', 'readwrite');
      for (const id of await write.store.index('place').getAllKeys(this.#range)) await write.store.delete(id);
      await write.done;
    } catch {
      // What could not be kept is not there.
    }
  }
}
