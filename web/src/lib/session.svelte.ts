import type { components } from '../api/schema';

export type Session = components['schemas']['Session'];

/** Who is logged in: undefined while unknown, null when nobody is. */
class SessionState {
  current = $state<Session | null | undefined>(undefined);
}

export const session = new SessionState();
