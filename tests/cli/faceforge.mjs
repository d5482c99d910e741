// Runs the binary as a user does, and makes what the tests feed it.
import { spawn } from 'node:child_process';
import {
  cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync, crc32 as zlibCrc32 } from 'node:zlib';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const testData = process.env.FACEFORGE_TEST_DATA ?? join(root, '../shared/data');
export const haveTestData = existsSync(join(testData, 'packs'));
export const binary = process.env.FACEFORGE_BINARY ?? join(root, 'build/release/bin/faceforge');
export const skip = haveTestData ? false : 'FACEFORGE_TEST_DATA is not there';

/** A folder of its own for a test file, removed at the end of the process. */
export const folder = mkdtempSync(join(tmpdir(), 'faceforge-cli-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

export const data = join(folder, 'data');

/** A command that starts another with SIGINT pending: Ctrl-C reaches it before its first photo. */
export const interrupted = ['perl', '-MPOSIX', '-e',
  'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT)); kill INT => $$; exec @ARGV'];

/**
 * Starts the binary with a data folder of its own and the packs of the test data in place; `through` is a command
 * that starts it.
 */
export function start(args, { env = {}, stdin = 'ignore', through = [] } = {}) {
  const [command, ...rest] = [...through, binary, ...args];
  return spawn(command, rest, {
    env: {
      ...process.env,
      XDG_DATA_HOME: join(folder, 'xdg'),
      FACEFORGE_PACKS: haveTestData ? join(testData, 'packs') : '',
      ...env,
    },
    stdio: [stdin, 'pipe', 'pipe'],
  });
}

/** A copy of the pack scrfd500-mbf with its card, changed by `change(folder, card)`. */
export function packCopy(name, change) {
  const copy = join(folder, name);
  cpSync(join(testData, 'packs', 'scrfd500-mbf'), copy, { recursive: true });
  const card = JSON.parse(readFileSync(join(root, 'models', 'scrfd500-mbf', 'card.json'), 'utf8'));
  change(copy, card);
  writeFileSync(join(copy, 'card.json'), JSON.stringify(card));
  return copy;
}

/** Runs it to its end: `{ code, stdout, stderr }`. */
export function run(args, { input, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = start(args, { ...options, stdin: input === undefined ? 'ignore' : 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    if (input !== undefined) child.stdin.end(input);
  });
}

/** The same with --json: `{ code, json, stderr }`. Throws when standard output is anything but one JSON document. */
export async function runJson(args, options) {
  const { stdout, ...rest } = await run([...args, '--json'], options);
  return { ...rest, json: JSON.parse(stdout) };
}

export const lfw = (person, number = 1) =>
  join(testData, 'lfw', person, `${person}_${String(number).padStart(4, '0')}.jpg`);

export const photosOf = (person) => readdirSync(join(testData, 'lfw', person));

/** The first people of LFW of whom there are two to four photos; eighty are enough to calibrate on, in seconds. */
export const fewPhotosEach = (count) =>
  readdirSync(join(testData, 'lfw')).filter((person) => [2, 3, 4].includes(photosOf(person).length)).slice(0, count);

/** Makes a folder of these people of LFW in the test's folder and gives its path. */
export function peopleFolder(name, people) {
  const made = join(folder, name);
  mkdirSync(made);
  for (const person of people) symlinkSync(join(testData, 'lfw', person), join(made, person));
  return made;
}

/** Writes a file into the test's folder and gives its path. */
export function file(name, contents) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, contents);
  return path;
}

function chunk(type, body) {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}

function crc32(bytes) {
  if (zlibCrc32) return zlibCrc32(bytes); // Node 20.15 and later
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** A grey PNG whose header says `width` x `height` and whose pixels are those of `rows` rows. */
export function png(width, height, rows = height) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8; // bits; colour type 0: grey
  const pixels = Buffer.alloc((width + 1) * rows, 128);
  for (let row = 0; row < rows; ++row) pixels[row * (width + 1)] = 0; // no filter
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function littleEndian(...fields) {
  return Buffer.concat(fields.map(([bytes, value]) => {
    const field = Buffer.alloc(bytes);
    field.writeUIntLE(value, 0, bytes);
    return field;
  }));
}

/**
 * A zip of `[name, contents]` pairs that are not compressed.
 * source: PKWARE APPNOTE 6.3.9, sections 4.3.7, 4.3.12 and 4.3.16
 */
export function zip(entries) {
  const [locals, central] = [[], []];
  let offset = 0;
  for (const [name, contents] of entries) {
    const named = Buffer.from(name);
    // Flags, method, time and date, then what was stored.
    const common = [[2, 20], [2, 0], [2, 0], [4, 0x21 << 16], [4, crc32(contents)], [4, contents.length],
      [4, contents.length], [2, named.length], [2, 0]];
    const local = Buffer.concat([littleEndian([4, 0x04034b50], ...common), named, contents]);
    central.push(littleEndian([4, 0x02014b50], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), named);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = littleEndian([4, 0x06054b50], [2, 0], [2, 0], [2, entries.length], [2, entries.length],
    [4, directory.length], [4, offset], [2, 0]);
  return Buffer.concat([...locals, directory, end]);
}

/** Files that are no photo, with the reason each is refused for. */
export function badPhotos() {
  const whole = readFileSync(lfw('Zico'));
  return [
    [file('bad/text.jpg', 'this is no image'), 'not_an_image'],
    [file('bad/empty.jpg', ''), 'photo_empty'],
    [file('bad/cut.jpg', whole.subarray(0, whole.length / 2)), 'image_damaged'],
    [file('bad/huge.png', png(50_000, 50_000, 1)), 'photo_too_large'],
    [join(folder, 'bad', 'not-there.jpg'), 'file_not_found'],
    [file('bad/image.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>'), 'not_an_image'],
  ];
}
