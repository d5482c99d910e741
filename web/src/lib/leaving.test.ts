import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { api, Refusal } from './api';
import { asked, AskedPhotos } from './asked/asked_photos';
import { logOut } from './leaving';
import { session, type Session } from './session.svelte';
import { uploads } from './uploads/uploads.svelte';
import { UploadStore } from './uploads/upload_store';

const ada = 7;
const photo = () => new File(['x'], 'ada.jpg');
const left = async () => [await new UploadStore().listOf(ada), await new AskedPhotos<null>(ada, 1, 'one').list()].flat();

beforeEach(async () => {
  Object.assign(navigator, { locks: { request: () => undefined } });
  session.current = { user: { id: ada }, csrf_token: 'x' } as Session;
  await uploads.start(ada);
  uploads.pause();
  await uploads.add(1, [{ person_id: 1, person_name: 'Ada', file: photo() }]);
  await new AskedPhotos<null>(ada, 1, 'one').add(photo(), null);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await uploads.forget(ada);
  await asked.leave(ada);
  Object.assign(navigator, { locks: undefined });
});

test('whoever logs out leaves no photo in the browser', async () => {
  expect(await left()).toHaveLength(2);
  vi.spyOn(api, 'logOut').mockResolvedValue(undefined);
  await logOut(ada);
  expect(session.current).toBeNull();
  expect(await left()).toEqual([]);
});

test('nor whose session the server had ended before, also when the page has noticed', async () => {
  vi.spyOn(api, 'logOut').mockImplementation(async () => {
    session.current = null;
    uploads.stop();
    throw new Refusal('login_required', 'log in', 'unauthenticated');
  });
  await logOut(ada);
  expect(await left()).toEqual([]);
});

test('a log-out that did not reach the server is none', async () => {
  vi.spyOn(api, 'logOut').mockRejectedValue(new Refusal('unreachable', 'away'));
  await expect(logOut(ada)).rejects.toThrow('away');
  expect(session.current).not.toBeNull();
  expect(await left()).toHaveLength(2);
});
