// Starts `faceforge serve` on a free port with an empty data folder, and takes both away again.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const testData = process.env.FACEFORGE_TEST_DATA ?? join(root, '../shared/data');
export const haveTestData = existsSync(join(testData, 'packs'));
export const binary = process.env.FACEFORGE_BINARY ?? join(root, 'build/release/bin/faceforge');

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

export async function startServer({ data, port: wanted, packs = join(testData, 'packs'), extra = [] } = {}) {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'faceforge-server-'));
  const port = wanted ?? (await freePort());
  const child = spawn(
    binary,
    ['serve', '--listen', `127.0.0.1:${port}`, '--data', folder, '--web', join(root, 'web/dist'), ...extra],
    { env: { ...process.env, FACEFORGE_PACKS: packs }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const address = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${log}`);
    if (Date.now() > deadline) throw new Error(`the server did not become ready:\n${log}`);
    try {
      if ((await fetch(`${address}/readyz`)).ok) break;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    address,
    port,
    folder,
    child,
    log: () => log,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const end = await ended;
      if (data === undefined && signal !== 'SIGKILL') rmSync(folder, { recursive: true, force: true });
      return end;
    },
  };
}
