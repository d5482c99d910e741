// A server as users start it, and a client that keeps its cookie.
import { after } from 'node:test';
import { start } from './faceforge.mjs';

const running = new Set();
// What a test that failed has left: node would wait for it for ever.
after(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** A server on any free port, once it has told its address; it ends with the tests at the latest. */
export async function serve(data, extra = [], options = {}) {
  const child = start(['serve', '--listen', '127.0.0.1:0', '--data', data, '--pack', 'scrfd500-mbf', ...extra], options);
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

export class Client {
  constructor(address) {
    this.address = address;
  }
  /** `{ status, body }`; a form or a value that is sent as JSON. */
  async ask(method, path, content) {
    const headers = { cookie: this.cookie ?? '', 'x-csrf-token': this.csrf ?? '' };
    if (content !== undefined && !(content instanceof FormData)) headers['content-type'] = 'application/json';
    const response = await fetch(`${this.address}/api/v1${path}`, {
      method, headers, body: content === undefined || content instanceof FormData ? content : JSON.stringify(content),
    });
    const cookie = response.headers.get('set-cookie');
    if (cookie) this.cookie = cookie.split(';')[0];
    const text = await response.text();
    const body = text === '' ? null : JSON.parse(text);
    if (body?.csrf_token) this.csrf = body.csrf_token;
    return { status: response.status, body };
  }
}
