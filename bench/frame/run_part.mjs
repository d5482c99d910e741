// Runs one part of the benchmark as a process group of its own, so that all of it can be ended.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { patience } from './parts.mjs';
import { checkRows } from './rows.mjs';

const grace_ms = 5000;

/** Asks a process group to end, and ends it when it does not. */
async function endGroup(child, closed) {
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error; // it has ended by itself
    }
  };
  signal('SIGTERM');
  await Promise.race([closed, sleep(grace_ms, undefined, { ref: false })]);
  signal('SIGKILL');
}

/**
 * Runs a program and reads the rows that it writes.
 *
 * in:   `jsonFile` is where the program was told to write; `onLine` gets each line that it prints;
 *       `stop` aborts
 * out:  `{ rows, complaint }`: the complaint is what went wrong, though there are rows, or nothing
 * fails: an Error when there are no rows, or the run was aborted
 */
export async function runPart({ name, command, jsonFile, limit_s, onLine, stop }) {
  const child = spawn(command[0], command.slice(1), {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', onLine);
  let late = false;
  let ending;
  const end = () => (ending ??= endGroup(child, closed));
  const timer = setTimeout(() => {
    late = true;
    end();
  }, limit_s * 1000);
  stop.addEventListener('abort', end, { once: true });
  const { code, signal } = await closed.finally(() => {
    clearTimeout(timer);
    stop.removeEventListener('abort', end);
  });
  await ending;
  stop.throwIfAborted();
  if (late) throw new Error(`${name}: ended after ${limit_s} s, ${patience} times what it should take`);
  const outcome = signal ? `ended by ${signal}` : `exit code ${code}`;
  if (!existsSync(jsonFile)) throw new Error(`${name}: no rows (${outcome})`);
  const rows = checkRows(JSON.parse(readFileSync(jsonFile, 'utf8')), name);
  return {
    rows,
    complaint: code === 0 ? undefined : `${name}: ${outcome}; some of its rows may be missing`,
  };
}
