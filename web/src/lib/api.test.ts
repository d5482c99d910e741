import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api } from './api';
import { session, type Session } from './session.svelte';

const ada: Session['user'] = { id: 7, name: 'ada', role: 'user', created_at: '2026-01-01T00:00:00.000Z' };
const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
const refusal = (status: number, reason: string) => json(status, { error: { code: 'forbidden', reason, message: 'no' } });

interface Asked {
  path: string;
  token: string | null;
  body: string;
}
let asked: Asked[] = [];
/** The session that the cookie is of: another window may have begun it. */
let there: Session | null;

/** A server that takes changes with the token of the present session only. */
async function answer(request: Request) {
  const path = new URL(request.url).pathname;
  const token = request.headers.get('X-CSRF-Token');
  asked.push({ path, token, body: await request.text() });
  if (path === '/api/v1/auth/session') return json(200, there ?? { user: null, csrf_token: null });
  if (!there) return refusal(401, 'session_unknown');
  if (request.method !== 'GET' && token !== there.csrf_token) return refusal(403, 'csrf_token_wrong');
  if (path === '/api/v1/me/password') return refusal(403, 'wrong_password');
  return json(201, { id: 1, name: 'Family' });
}
const changes = () => asked.filter(({ path }) => path !== '/api/v1/auth/session');

beforeEach(() => {
  asked = [];
  vi.stubGlobal('fetch', answer);
  session.current = { user: ada, csrf_token: 'old' };
  there = { user: ada, csrf_token: 'new' };
});
afterEach(() => vi.unstubAllGlobals());

test('after a log-in in another window a change is made all the same, once', async () => {
  await api.createGallery('Family');
  expect(changes().map(({ token, body }) => [token, body])).toEqual([['old', '{"name":"Family"}'], ['new', '{"name":"Family"}']]);
  await api.createGallery('Friends');
  expect(changes().map(({ token }) => token)).toEqual(['old', 'new', 'new']);
});

test('changes that are refused at the same time ask for the session and are all made', async () => {
  await Promise.all([api.createGallery('1'), api.createGallery('2'), api.createGallery('3')]);
  expect(changes().filter(({ token }) => token === 'new')).toHaveLength(3);
});

test('a change of one account is not made in the name of another that has logged in', async () => {
  there = { user: { ...ada, id: 8, name: 'bob' }, csrf_token: 'of bob' };
  await expect(api.createGallery('Family')).rejects.toMatchObject({ reason: 'csrf_token_wrong' });
  expect(changes()).toHaveLength(1);
  expect(session.current?.user.name).toBe('bob');
});

test('a token that is wrong for another reason is not tried for ever', async () => {
  const known = session.current;
  there = { user: ada, csrf_token: 'new' };
  vi.stubGlobal('fetch', async (request: Request) =>
    new URL(request.url).pathname === '/api/v1/auth/session' ? json(200, known) : answer(request),
  );
  await expect(api.createGallery('Family')).rejects.toMatchObject({ reason: 'csrf_token_wrong' });
  expect(changes()).toHaveLength(1);
});

test('a wrong password is told and the session goes on; a session that ended leads to the log-in page wherever it is noticed', async () => {
  session.current = there;
  await expect(api.changePassword('wrong', 'next')).rejects.toMatchObject({ reason: 'wrong_password' });
  expect(session.current).toBe(there);
  for (const ask of [() => api.changePassword('right', 'next'), () => api.deleteAccount('right'), () => api.secondFactor()]) {
    session.current = { user: ada, csrf_token: 'old' };
    there = null;
    await expect(ask()).rejects.toMatchObject({ reason: 'session_unknown' });
    expect(session.current).toBeNull();
  }
});
