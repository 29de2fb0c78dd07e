/** Dark and light: the system's, or the reader's own choice, remembered. public/theme.js reads the same key before the first paint. */
export const THEME_KEY = 'kvlab.theme';
export const THEME_CHOICES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];

export interface ThemeTarget {
  /** The root element's data attributes. */
  readonly dataset: DOMStringMap;
}

/** The part of localStorage that is needed; both calls may throw where storage is blocked. */
export type KeyValue = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

function isChoice(text: string | null): text is ThemeChoice {
  return THEME_CHOICES.some((choice) => choice === text);
}

export class ThemeState {
  readonly #target: ThemeTarget;
  readonly #memory: KeyValue | null;
  choice: ThemeChoice = $state('system');

  constructor(target: ThemeTarget, memory: KeyValue | null) {
    this.#target = target;
    this.#memory = memory;
    this.#apply(this.#recall());
  }

  set(choice: ThemeChoice): void {
    this.#apply(choice);
    try {
      if (choice === 'system') this.#memory?.removeItem(THEME_KEY);
      else this.#memory?.setItem(THEME_KEY, choice);
    } catch {
      // Blocked or full storage: the choice holds until the page is closed.
    }
  }

  /** System, light, dark, and round again. */
  next(): void {
    const at = THEME_CHOICES.indexOf(this.choice);
    this.set(THEME_CHOICES[(at + 1) % THEME_CHOICES.length] ?? 'system');
  }

  #recall(): ThemeChoice {
    try {
      const kept = this.#memory?.getItem(THEME_KEY) ?? null;
      return isChoice(kept) ? kept : 'system';
    } catch {
      return 'system';
    }
  }

  #apply(choice: ThemeChoice): void {
    this.choice = choice;
    if (choice === 'system') delete this.#target.dataset['theme'];
    else this.#target.dataset['theme'] = choice;
  }
}
