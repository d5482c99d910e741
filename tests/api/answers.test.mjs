// Runs the API's own tests with a recorder on and holds every answer that they got against openapi.yaml.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Contract } from './contract.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.FACEFORGE_HTTP_TEST ?? join(root, 'build/release/bin/http_test');
const scratch = mkdtempSync(join(tmpdir(), 'faceforge-answers-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const errorBody = { error: { code: 'not_found', reason: 'gallery_not_found', message: 'there is no gallery 7' } };
const person = { id: 1, name: 'Ada', created_at: '2026-01-02T03:04:05Z', photo_count: 0, cover_photo_id: null, is_trained: false };
const answer = (status, body, more = {}) => ({
  method: 'GET', target: '/api/v1/galleries/7/people/1', status, type: 'application/json', body: JSON.stringify(body), ...more,
});

test('the check itself finds what is not as documented', () => {
  const contract = new Contract();
  assert.deepEqual(contract.faults(answer(200, person)), []);
  assert.deepEqual(contract.faults(answer(404, errorBody)), []);
  const { cover_photo_id: _, ...lacking } = person;
  assert.match(contract.faults(answer(200, lacking))[0], /required property 'cover_photo_id'/);
  assert.match(contract.faults(answer(200, { ...person, age: 36 }))[0], /unevaluated.*age/);
  assert.match(contract.faults(answer(200, { ...person, created_at: 'today' }))[0], /date-time/);
  assert.match(contract.faults(answer(418, errorBody))[0], /418 is not documented/);
  assert.match(contract.faults(answer(200, person, { type: 'text/html' }))[0], /text\/html is not documented/);
  assert.match(contract.faults(answer(200, person, { body: 'x' }))[0], /no JSON/);
  assert.match(contract.faults(answer(200, person, { target: '/api/v1/none' }))[0], /does not know it/);
  const report = { width_px: 1, height_px: 1, faces: [{ box: { x: 0, y: 0, width: 1, height: 1, depth: 1 } }] };
  const faults = contract.faults(answer(200, report, { method: 'POST', target: '/api/v1/detect' }));
  assert.ok(faults.some((fault) => fault.includes('depth')), 'a field deep inside is found too');
});

test('every answer that the tests of the API get is as openapi.yaml says', () => {
  const record = join(scratch, 'answers.jsonl');
  const run = spawnSync(binary, ['--gtest_filter=ApiTest.*:ApiSecurityTest.*:LiveTest.*:RecordingApiTest.*', '--gtest_brief=1'], {
    cwd: root,
    env: { ...process.env, FACEFORGE_RECORD_ANSWERS: record },
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stdout);
  const contract = new Contract();
  const answers = readFileSync(record, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const faults = new Set();
  const messages = answers.filter((one) => one.live_message !== undefined);
  for (const { live_message: text } of messages) {
    for (const fault of contract.jsonFaults({ $ref: '#/components/schemas/LiveMessage' }, text)) faults.add(`live ${text}: ${fault}`);
  }
  assert.ok(messages.length > 50, `${messages.length} messages`);
  for (const one of answers.filter((line) => line.method !== undefined)) {
    for (const fault of contract.faults(one)) faults.add(`${one.method} ${one.target} ${one.status}: ${fault}`);
  }
  assert.equal([...faults].join("\n"), "");
  assert.deepEqual(contract.unseen(), [], 'operations that no test asks for');
  assert.ok(answers.length > 300, `${answers.length} answers`);
});
