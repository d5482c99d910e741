import { untrack } from 'svelte';

/** How many lists of uploads can be seen now: what they tell needs no telling beside them. */
export const listsInView = $state({ count: 0 });

/** Counts an element while it can be seen. */
export function countInView(element: HTMLElement) {
  let isSeen = false;
  const note = (seen: boolean) => {
    if (seen === isSeen) return;
    isSeen = seen;
    listsInView.count += seen ? 1 : -1;
  };
  untrack(() => note(true)); // until the browser says otherwise: what comes and goes within a moment is seen as a flicker
  const observer = new IntersectionObserver((entries) => note(entries.at(-1)?.isIntersecting ?? false));
  observer.observe(element);
  return () => {
    observer.disconnect();
    note(false);
  };
}
