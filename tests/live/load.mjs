// Many clients of the live socket at once, with a real pack: every one keeps getting results, none starves, nobody is
// called by another's name, and the server's memory stays bounded.
//   node tests/live/load.mjs [--clients 8] [--seconds 20] [--soak] [--tls]      (--soak: 10 minutes; --tls: over https)
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folder } from '../cli/faceforge.mjs';
import { serve } from '../cli/server.mjs';
import { enrolled, filmsOf, framesPerSecond, height_px, needPhotos, people, sleep, Viewer, width_px } from './viewers.mjs';

const { values: options } = parseArgs({
  options: { clients: { type: 'string', default: '8' }, seconds: { type: 'string', default: '20' }, soak: { type: 'boolean' },
    tls: { type: 'boolean' } },
});
const clientCount = Number(options.clients);
const seconds = options.soak ? 600 : Number(options.seconds);
needPhotos('live load');

const memory_mb = (pid) => Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024;
const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];

if (options.tls) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; // who the server is, serve.test.mjs asks
const { child, address, ended } = await serve(join(folder, 'live'), options.tls ? ['--tls', 'auto'] : []);
const everyone = people(6);
const known = everyone.slice(0, 4);
const { client, gallery } = await enrolled(address, known);
const films = filmsOf(everyone, known.length);
const viewers = Array.from({ length: clientCount }, (_, index) => new Viewer(index, films));
for (const viewer of viewers) await viewer.open(address, gallery, client.cookie);
const timers = viewers.map((viewer) => setInterval(() => viewer.sendFrame(), 1_000 / framesPerSecond));
await sleep(2_000); // the first looks compile the networks' shapes
for (const viewer of viewers) Object.assign(viewer, { results: 0, longestGap_ms: 0, latencies_ms: [] });
const before_mb = memory_mb(child.pid);
let most_mb = before_mb;
for (let second = 0; second < seconds; second += 1) {
  await sleep(1_000);
  most_mb = Math.max(most_mb, memory_mb(child.pid));
}
timers.forEach(clearInterval);

const rates = viewers.map(({ results }) => results / seconds);
const all_ms = viewers.flatMap(({ latencies_ms }) => latencies_ms);
const right = viewers.reduce((sum, viewer) => sum + viewer.right, 0);
const wrong = viewers.flatMap((viewer) => viewer.wrong);
const gap_ms = Math.max(...viewers.map((viewer) => viewer.longestGap_ms));
console.log(`${clientCount} clients, ${seconds} s, ${width_px}x${height_px} at ${framesPerSecond} frames/s each`);
console.log(`results/s a client: ${rates.map((rate) => rate.toFixed(1)).join(' ')}; in all ${rates.reduce((a, b) => a + b).toFixed(1)}`);
console.log(`frame sent to result: p50 ${quantile(all_ms, 0.5).toFixed(0)} ms, p95 ${quantile(all_ms, 0.95).toFixed(0)} ms; longest gap ${gap_ms.toFixed(0)} ms`);
console.log(`named rightly ${right}, wrongly ${wrong.length}; memory ${before_mb.toFixed(0)} MB at first, ${most_mb.toFixed(0)} MB at most`);

assert.ok(Math.max(...rates) <= 2 * Math.min(...rates), 'one client starves');
assert.ok(gap_ms < 5_000, 'a client got nothing for long');
assert.deepEqual(wrong, []);
assert.ok(right > 0, 'nobody was recognized');
assert.ok(most_mb - before_mb < 64, 'memory grows');

assert.equal((await client.ask('POST', '/auth/logout')).status, 204);
for (const viewer of viewers) assert.equal(await viewer.closed, '1008 session_ended');
child.kill('SIGTERM');
assert.equal(await ended, 0);
