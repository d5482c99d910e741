// A server as users start it.
import { after } from 'node:test';
import { start } from './faceforge.mjs';

export { Client } from '../support/client.mjs';

const running = new Set();
// What a test that failed has left: node would wait for it for ever.
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server on any free port, once it has told its address; it ends with the tests at the latest. `pack` null: the default one. */
export async function serve(data, extra = [], { pack = 'scrfd500-mbf', ...options } = {}) {
  const named = pack === null ? [] : ['--pack', pack];
  const child = start(['serve', '--listen', '127.0.0.1:0', '--data', data, ...named, ...extra], options);
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const ended = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  void ended.then(() => running.delete(child));
  const address = await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => {
      stdout += text;
      const found = stdout.match(/https?:\/\/127\.0\.0\.1:\d+/);
      if (found) resolve(found[0]);
    });
    ended.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
  });
  return { child, address, ended, said: stdout, all: () => stdout };
}
