/** Where an element was: its parents and its place in each, innermost first. */
type Way = { parent: Element; index: number }[];

/** Longer than dialogs and menus take to give the focus back to where they were opened. */
const settle_ms = 80;
const focusable = 'a[href], button:not(:disabled), input:not(:disabled, [type=file]), select:not(:disabled), textarea:not(:disabled), [tabindex="0"]';

function wayTo(element: Element): Way {
  const way: Way = [];
  for (let parent = element.parentElement; parent; element = parent, parent = parent.parentElement) {
    way.push({ parent, index: Array.prototype.indexOf.call(parent.children, element) });
  }
  return way;
}

/** What can take the focus at a place of a parent: what has come there, or else what is nearest before it. */
function nearest(parent: Element, index: number): HTMLElement | null {
  const here = parent.children[Math.min(index, parent.children.length - 1)];
  if (here instanceof HTMLElement && here.matches(focusable)) return here;
  return here?.querySelector<HTMLElement>(focusable) ?? parent.querySelector<HTMLElement>(focusable);
}

/**
 * Keeps the focus on the page when what has it goes away - a card that is deleted, a button that is done - so that
 * whoever has no mouse goes on from there: on what has come to its place, or beside it, or at the beginning of `main`
 * where nothing of the former page is left.
 *
 * out: ends it
 */
export function keepFocus(main: HTMLElement): () => void {
  let last: Element | null = null;
  let way: Way = [];
  /** What had the focus and cannot have it for now. */
  let waitsFor: Element | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const remember = ({ target }: FocusEvent) => {
    if (!(target instanceof Element)) return;
    last = target;
    waitsFor = null;
    way = wayTo(target);
  };
  const restore = () => {
    timer = undefined;
    if (!last || (document.activeElement !== null && document.activeElement !== document.body)) return;
    if (last.isConnected && last.matches(':disabled')) {
      waitsFor = last; // a button that is busy mostly comes back
      return;
    }
    if (last.isConnected) {
      if (waitsFor === last && last instanceof HTMLElement) last.focus();
      waitsFor = null; // else it was left, not lost
      return;
    }
    for (const { parent, index } of way) {
      if (parent.contains(main)) break;
      const next = parent.isConnected ? nearest(parent, index) : null;
      if (!next) continue;
      next.focus();
      return;
    }
    main.focus();
  };
  const observer = new MutationObserver(() => (timer ??= setTimeout(restore, settle_ms)));
  document.addEventListener('focusin', remember);
  observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
  return () => {
    document.removeEventListener('focusin', remember);
    observer.disconnect();
    clearTimeout(timer);
  };
}
