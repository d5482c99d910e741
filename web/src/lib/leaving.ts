import { api, isLoggedOut } from './api';
import { asked } from './asked/asked_photos';
import { deletions } from './deletions.svelte';
import { session } from './session.svelte';
import { toasts } from './toasts.svelte';
import { uploads } from './uploads/uploads.svelte';

/** Leaves nothing of an account in this browser. */
export async function forgetAccount(userId: number) {
  toasts.clear();
  await Promise.all([uploads.forget(userId), asked.leave(userId)]);
}

/**
 * Ends the session, here and on the server. A session that the server no longer knows is over too; where it may not be,
 * this throws, for whoever walks away must know.
 *
 * out:   why the browser still has photos of the account; null where it has forgotten them
 */
export async function logOut(userId: number) {
  await deletions.leave(false);
  try {
    await api.logOut();
  } catch (error) {
    if (!isLoggedOut(error)) throw error;
  }
  const kept = await forgetAccount(userId).then(() => null, (error: unknown) => error);
  session.current = null;
  return kept;
}
