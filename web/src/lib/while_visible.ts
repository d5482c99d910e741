/**
 * Calls `work` every so often while somebody looks at the page, and at once when they come back to it. Gives what ends
 * that.
 */
export function whileVisible(work: () => void, every_ms: number): () => void {
  const look = () => {
    if (document.visibilityState === 'visible') work();
  };
  const timer = setInterval(look, every_ms);
  document.addEventListener('visibilitychange', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
