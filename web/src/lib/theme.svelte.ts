import { kept } from './kept';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const isTheme = (name: string | null): name is Theme => themes.some((theme) => theme === name);

/** The colours of the pages; `public/theme.js` shows the choice before the pages are there. */
class ThemeState {
  #current = $state<Theme>('system');

  constructor() {
    const before = kept.read('faceforge.theme');
    if (isTheme(before)) this.#current = before;
  }

  get current() {
    return this.#current;
  }

  set current(theme: Theme) {
    this.#current = theme;
    if (theme === 'system') {
      delete document.documentElement.dataset.theme;
      kept.forget('faceforge.theme');
    } else {
      document.documentElement.dataset.theme = theme;
      kept.write('faceforge.theme', theme);
    }
  }
}

export const theme = new ThemeState();
