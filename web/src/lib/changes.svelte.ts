/** Counts what has changed on the server though no page asked for it just now: an undo, a deletion whose time has come. */
class Changes {
  count = $state(0);
}

/** Pages that show what may have changed read it anew when this rises. */
export const changes = new Changes();
