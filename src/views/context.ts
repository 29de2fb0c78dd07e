/** Hands the App down to views that no room passes it to. */
import { createContext } from 'svelte';
import type { App } from '../state/app.svelte.ts';

export const [useApp, provideApp] = createContext<App>();
