import type { components } from '../api/schema';

export type Session = components['schemas']['Session'];

/** Who is logged in: undefined while unknown, null when nobody is. */
class SessionState {
  current = $state<Session | null | undefined>(undefined);
  /** What the log-in page says first: how the session before it ended. */
  farewell = $state('');
}

export const session = new SessionState();
