import { expect, test } from 'vitest';
import { THEME_KEY, ThemeState } from '../../src/state/theme.svelte.ts';
import { fakeMemory } from './doubles.ts';

test('the choice goes to the root and is remembered; the system leaves no trace', () => {
  const memory = fakeMemory();
  const root = { dataset: {} as DOMStringMap };
  const theme = new ThemeState(root, memory);
  expect(theme.choice).toBe('system');
  expect(root.dataset['theme']).toBeUndefined();
  theme.next();
  expect([theme.choice, root.dataset['theme'], memory.getItem(THEME_KEY)]).toEqual([
    'light',
    'light',
    'light',
  ]);
  theme.next();
  expect(new ThemeState({ dataset: {} }, memory).choice).toBe('dark');
  theme.next();
  expect([theme.choice, root.dataset['theme'], memory.getItem(THEME_KEY)]).toEqual([
    'system',
    undefined,
    null,
  ]);
});

test('blocked storage and strange values leave the system’s theme', () => {
  const throwing = () => {
    throw new Error('blocked');
  };
  const blocked = { getItem: throwing, setItem: throwing, removeItem: throwing };
  const theme = new ThemeState({ dataset: {} }, blocked);
  expect(theme.choice).toBe('system');
  theme.set('dark');
  expect(theme.choice).toBe('dark');
  const odd = fakeMemory();
  odd.setItem(THEME_KEY, 'sepia');
  expect(new ThemeState({ dataset: {} }, odd).choice).toBe('system');
});
