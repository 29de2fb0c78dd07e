/** The colours of a canvas, which has no style sheet: the reader's choice of light or dark, or the system's. */
import { MediaQuery } from 'svelte/reactivity';
import { THEMES, type Theme } from '../../../charts/theme.ts';
import type { ThemeState } from '../../../state/theme.svelte.ts';

const systemDark = new MediaQuery('(prefers-color-scheme: dark)');

export function canvasTheme({ choice }: ThemeState): Theme {
  if (choice !== 'system') return THEMES[choice];
  return THEMES[systemDark.current ? 'dark' : 'light'];
}
