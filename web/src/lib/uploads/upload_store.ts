import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { BoundingBox, DuplicateOf } from '../api';

/** Why the server did not take a photo. */
export interface UploadRefusal {
  reason: string;
  words: string;
  faces: BoundingBox[];
  duplicate_of?: DuplicateOf;
}

/** A photo on its way to the server, as the browser keeps it. */
export interface StoredUpload {
  id: number;
  user_id: number;
  gallery_id: number;
  /** Null until the person has been made; then they are found by name. */
  person_id: number | null;
  person_name: string;
  /** Whether it belongs to whoever has that name; nothing where an earlier version kept it. */
  by_name?: boolean;
  file_name: string;
  file_bytes: number;
  /** Whether it was begun before: the server may have it already, although no answer came. */
  attempted: boolean;
  refusal: UploadRefusal | null;
}

interface Schema extends DBSchema {
  uploads: { key: number; value: StoredUpload; indexes: { user_id: number } };
  files: { key: number; value: Blob };
}

/** Keeps uploads in IndexedDB, so that a page which is loaded again, or a browser which is restarted, goes on. */
export class UploadStore {
  #database: Promise<IDBPDatabase<Schema>> | null = null;

  #open() {
    this.#database ??= openDB<Schema>('faceforge', 1, {
      upgrade(database) {
        database.createObjectStore('uploads', { keyPath: 'id', autoIncrement: true }).createIndex('user_id', 'user_id');
        database.createObjectStore('files');
      },
    });
    return this.#database;
  }

  /** Keeps a photo; gives its id once it is on the disk. */
  async add(upload: Omit<StoredUpload, 'id'>, file: Blob): Promise<number> {
    const write = (await this.#open()).transaction(['uploads', 'files'], 'readwrite', { durability: 'strict' });
    const id = await write.objectStore('uploads').add(upload as StoredUpload);
    await write.objectStore('files').put(file, id);
    await write.done;
    return id;
  }

  async listOf(userId: number): Promise<StoredUpload[]> {
    return (await this.#open()).getAllFromIndex('uploads', 'user_id', userId);
  }

  /** What is kept of an upload now, also by another window; undefined when it is finished. */
  async find(id: number): Promise<StoredUpload | undefined> {
    return (await this.#open()).get('uploads', id);
  }

  /** The photo; undefined when another window has finished it. */
  async file(id: number): Promise<Blob | undefined> {
    return (await this.#open()).get('files', id);
  }

  async change(id: number, change: Partial<StoredUpload>) {
    const write = (await this.#open()).transaction('uploads', 'readwrite');
    const before = await write.store.get(id);
    if (before) await write.store.put({ ...before, ...change });
    await write.done;
  }

  async forget(ids: number[]) {
    const write = (await this.#open()).transaction(['uploads', 'files'], 'readwrite');
    for (const id of ids) {
      await write.objectStore('uploads').delete(id);
      await write.objectStore('files').delete(id);
    }
    await write.done;
  }
}
