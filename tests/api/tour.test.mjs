// Runs every command of docs/api.md, in its order, against a real server: what the tour tells people to type works.
import { after, test } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { haveTestData, root, startServer, testData } from '../browser/server.mjs';

const why = haveTestData ? false : 'FACEFORGE_TEST_DATA is not there';
const scratch = mkdtempSync(join(tmpdir(), 'faceforge-api-tour-'));
let server;
after(async () => {
  await server?.stop();
  rmSync(scratch, { recursive: true, force: true });
});

/** The commands of the document's indented blocks; a line that ends with a backslash goes on in the next. */
function commands() {
  const text = readFileSync(join(root, 'docs/api.md'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('    '))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^(curl|server=|auth=)/.test(line));
}

const lfw = (person, number) => join(testData, 'lfw', person, `${person}_${String(number).padStart(4, '0')}.jpg`);

test('every command of the tour works as it stands', { skip: why }, async () => {
  server = await startServer();
  const photos = { ada1: 1, ada2: 2, door: 3, a: 1, b: 4, party: 6 };
  for (const [name, number] of Object.entries(photos)) {
    copyFileSync(lfw('Serena_Williams', number), join(scratch, `${name}.jpg`));
  }
  const credentials = { name: 'ada', password: 'quite a long pass phrase' };
  const signedUp = await fetch(`${server.address}/api/v1/auth/signup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  });
  assert.equal(signedUp.status, 201);

  // What the tour writes in capitals is what an answer before it held.
  const held = {};
  const assignments = [];
  const answers = [];
  for (const written of commands()) {
    let command = written.replace(/\bTOKEN\b/g, held.csrf_token ?? 'TOKEN').replace(/\bKEY\b/g, held.key ?? 'KEY');
    if (command.startsWith('server=')) command = `server=${server.address}`;
    if (!command.startsWith('curl')) {
      assignments.push(command);
      continue;
    }
    const script = ['curl() { command curl --fail-with-body --max-time 120 "$@"; }', ...assignments, command].join('\n');
    const { status, stdout, stderr } = spawnSync('bash', ['-euc', script], { cwd: scratch, encoding: 'utf8' });
    assert.equal(status, 0, `${written}\n${stdout}\n${stderr}`);
    answers.push({ written, stdout });
    for (const name of ['csrf_token', 'key']) {
      const found = new RegExp(`"${name}":"([^"]+)"`).exec(stdout);
      if (found) held[name] = found[1];
    }
  }
  const answerOf = (part) => answers.find(({ written }) => written.includes(part))?.stdout ?? `no command has ${part}`;
  assert.ok(answers.length >= 12, `${answers.length} commands were found`);
  assert.match(answerOf('people/1/photos'), /"taken_count":2/);
  assert.match(answerOf('-X POST $server/api/v1/galleries/1/versions'), /^HTTP\/1.1 202[^]*Location: \/api\/v1\/jobs\/1/i);
  assert.match(answerOf('jobs/1/events'), /"state":"succeeded"/);
  assert.match(answerOf('identify?'), /"candidates":\[\{"person":"Ada"/);
  assert.match(answerOf('verify?'), /"decision":"(no_)?match"/);
  assert.match(answerOf('/compare'), /"similarity":/);
  assert.match(answerOf('/detect'), /"landmarks":/);
  assert.ok(existsSync(join(scratch, 'gallery-1-version-1.ffg')), 'the model is downloaded under its name');
});
