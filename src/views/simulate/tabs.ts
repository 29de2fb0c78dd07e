/** The views of the room Simulate, in the order of its tabs; each is loaded when it is opened. */
import type { Component } from 'svelte';
import type { App } from '../../state/app.svelte.ts';
import type { SimView } from '../../state/route.ts';

export interface SimTab {
  readonly view: SimView;
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Component<{ app: App }> }>;
}

export const SIM_TABS: readonly SimTab[] = [
  { view: 'run', name: 'Run', load: () => import('./RunView.svelte') },
  { view: 'compare', name: 'A/B', load: () => import('./CompareView.svelte') },
  { view: 'replay', name: 'Replay', load: () => import('./ReplayView.svelte') },
  { view: 'blocks', name: 'Blocks', load: () => import('./blocks/BlocksTab.svelte') },
  { view: 'accesses', name: 'Accesses', load: () => import('./blocks/AccessesTab.svelte') },
];
