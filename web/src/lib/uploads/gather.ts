import type { Wanted } from './upload_queue.svelte';

/** What a drop or a choice of files holds. */
export interface Gathered {
  photos: Wanted[];
  /** Photos that lie in no folder, so that nothing says whose they are. */
  loose: File[];
  /** Files that are no photos, and photos over the limit. */
  skipped: string[];
  /** Whether there was more than may be taken at once. */
  cut: boolean;
}

export interface GatherLimits {
  files: number;
  /** Of all of them together. */
  bytes: number;
  photo_bytes: number;
}

const photoName = /\.(jpe?g|png|webp|heic|heif|avif|gif|tiff?)$/i;
export const isPhotoName = (name: string) => photoName.test(name);
export const isZip = (file: File) => /\.zip$/i.test(file.name) || file.type === 'application/zip';

/** Names that systems leave in folders and zips, and nobody means. */
const isHidden = (path: string) => path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX' || part === 'Thumbs.db');

/** Whose photo it is: the folder that it lies in. "Family/Ada/1.jpg" -> "Ada" */
export function personOf(path: string): string | null {
  const folders = path.split('/').filter((part) => part !== '').slice(0, -1);
  return folders.at(-1)?.replaceAll('_', ' ').trim() || null;
}

/** Collects photos by the person whose folder they lie in, up to a limit. */
export class Gatherer {
  readonly gathered: Gathered = { photos: [], loose: [], skipped: [], cut: false };
  #bytes = 0;

  constructor(private readonly limits: GatherLimits) {}

  get isFull() {
    return this.gathered.photos.length + this.gathered.loose.length >= this.limits.files;
  }

  /** Whether a file of this name and size would be taken; notes it where it would not. */
  wants(path: string, bytes: number): boolean {
    if (isHidden(path)) return false;
    if (!isPhotoName(path) || bytes > this.limits.photo_bytes) {
      this.gathered.skipped.push(path);
      return false;
    }
    const fits = !this.isFull && this.#bytes + bytes <= this.limits.bytes;
    if (!fits) this.gathered.cut = true;
    return fits;
  }

  add(path: string, file: File) {
    this.#bytes += file.size;
    const person_name = personOf(path);
    if (person_name === null) this.gathered.loose.push(file);
    else this.gathered.photos.push({ person_id: null, person_name, file });
  }
}

/** Reads a folder to its end: a browser hands out at most a hundred names at a time. */
async function namesIn(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    all.push(...some);
  }
}

const fileOf = (entry: FileSystemFileEntry) => new Promise<File>((resolve, reject) => entry.file(resolve, reject));

async function walk(entry: FileSystemEntry, gatherer: Gatherer): Promise<void> {
  if (gatherer.gathered.cut) return;
  if (entry.isDirectory) {
    for (const inner of await namesIn(entry as FileSystemDirectoryEntry)) await walk(inner, gatherer);
    return;
  }
  const file = await fileOf(entry as FileSystemFileEntry);
  await take(entry.fullPath.replace(/^\//, ''), file, gatherer);
}

async function take(path: string, file: File, gatherer: Gatherer): Promise<void> {
  if (isZip(file)) {
    const { gatherZip } = await import('./zip');
    await gatherZip(file, gatherer);
  } else if (gatherer.wants(path, file.size)) {
    gatherer.add(path, file);
  }
}

/** Gathers what was dropped: photos, folders of people, zips of them. */
export async function gatherDrop(items: DataTransferItemList, limits: GatherLimits): Promise<Gathered> {
  // The list is empty once this function has waited for anything.
  const entries = Array.from(items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const gatherer = new Gatherer(limits);
  for (const entry of entries) await walk(entry, gatherer);
  return gatherer.gathered;
}

/** Gathers what was chosen: files, a folder, or zips. */
export async function gatherFiles(files: Iterable<File>, limits: GatherLimits): Promise<Gathered> {
  const gatherer = new Gatherer(limits);
  for (const file of files) await take(file.webkitRelativePath || file.name, file, gatherer);
  return gatherer.gathered;
}
