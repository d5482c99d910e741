// What bench/run starts once everything is built: measures the machine's peak, runs the parts one
// after another, and writes the rows, the report and the table.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describeMachine } from './machine.mjs';
import { parseOptions } from './options.mjs';
import { parts, patience } from './parts.mjs';
import { duration, Progress } from './progress.mjs';
import { reportPage } from './report.mjs';
import { besideRoofline, toJson } from './rows.mjs';
import { runPart } from './run_part.mjs';
import { markdown } from './table.mjs';

const top = fileURLToPath(new URL('../..', import.meta.url));
const place = join(top, 'build/bench');
const lastRun = join(place, 'run.json');
const timesTaken = join(place, 'minutes.json');
const report = join(top, 'bench/report.html');
const performancePage = join(top, 'docs/performance.md');

const readJson = (file, otherwise) =>
  existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : otherwise;

function measureRoofline(cores) {
  const counts = [...new Set([1, 2, cores])].filter((count) => count <= cores).map(String);
  return JSON.parse(
    execFileSync(join(top, 'build/release/bin/faceforge_roofline'), counts, { encoding: 'utf8' }),
  );
}

/** Runs the chosen parts: their rows, and what went wrong. */
async function runParts(options, form, progress, stop) {
  const rows = [];
  const complaints = [];
  const minutes = readJson(timesTaken, {});
  for (const part of parts.filter(({ name }) => options.only.includes(name))) {
    const program = join(top, 'bench', part.name);
    const jsonFile = join(place, `${part.name}.json`);
    rmSync(jsonFile, { force: true });
    const expected_s = 60 * part.minutes[form];
    const startedAt = performance.now();
    progress.begin(part.name);
    try {
      const command = [program, ...(options.quick ? part.quick : []), '--json', jsonFile];
      const done = await runPart({
        name: part.name,
        command,
        jsonFile,
        limit_s: patience * expected_s,
        onLine: (line) => progress.line(line),
        stop,
      });
      rows.push(...done.rows.map((row) => ({ ...row, part: part.name })));
      if (done.complaint) complaints.push(done.complaint);
      minutes[`${part.name} ${form}`] = (performance.now() - startedAt) / 60_000;
    } catch (error) {
      stop.throwIfAborted();
      complaints.push(error.message);
    }
    progress.done();
  }
  writeFileSync(timesTaken, JSON.stringify(minutes));
  return { rows, complaints };
}

async function measure(options, stop) {
  const form = options.quick ? 'quick' : 'full';
  mkdirSync(place, { recursive: true });
  const machine = describeMachine();
  const minutes = readJson(timesTaken, {});
  const expected_s = parts
    .filter(({ name }) => options.only.includes(name))
    .map((part) => 60 * (minutes[`${part.name} ${form}`] ?? part.minutes[form]));
  const progress = new Progress(expected_s);
  if (machine.load > 0.5)
    progress.line(
      `bench: the machine is busy (load ${machine.load.toFixed(1)}): the figures will spread`,
    );
  progress.line(
    `bench: the ${form} form, about ${duration(expected_s.reduce((sum, part) => sum + part, 0))}`,
  );
  const startedAt = performance.now();
  const measured_at = new Date().toISOString();
  try {
    const roofline = measureRoofline(machine.cores);
    const { rows, complaints } = await runParts(options, form, progress, stop);
    const seconds = (performance.now() - startedAt) / 1000;
    return {
      form,
      measured_at,
      seconds,
      machine,
      roofline,
      rows: besideRoofline(rows, roofline),
      complaints,
    };
  } finally {
    progress.end();
  }
}

/** Puts a run's tables between the page's marks. */
export function intoPage(page, tables) {
  const marks = ['<!-- bench/run writes from here -->', '<!-- to here -->'];
  const [begin, end] = marks.map((mark) => page.indexOf(mark));
  if (begin < 0 || end < begin)
    throw new Error(`docs/performance.md lacks its marks: ${marks.join(' and ')}`);
  return `${page.slice(0, begin + marks[0].length)}\n\n${tables}\n${page.slice(end)}`;
}

async function write(run, options) {
  writeFileSync(report, await reportPage(run));
  const tables = markdown(run);
  writeFileSync(join(place, 'table.md'), tables);
  if (options.docs)
    writeFileSync(performancePage, intoPage(readFileSync(performancePage, 'utf8'), tables));
  if (options.json) writeFileSync(options.json, toJson(run.rows));
  console.error(
    `bench: ${run.rows.length} rows in ${duration(run.seconds)}; see ${report} and ${join(place, 'table.md')}`,
  );
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.redraw) {
    if (!existsSync(lastRun)) throw new Error('there is no run to draw yet: run bench/run first');
    return write(readJson(lastRun), options);
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => stop.abort(new Error('interrupted')));
  const run = await measure(options, stop.signal).catch((error) => {
    if (!stop.signal.aborted) throw error;
    console.error('bench: interrupted; nothing was written');
    return process.exit(130);
  });
  writeFileSync(lastRun, JSON.stringify(run));
  await write(run, options);
  for (const complaint of run.complaints) console.error(`bench: ${complaint}`);
  process.exitCode = run.complaints.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`bench: ${error.message}`);
    process.exitCode = 3;
  });
}
