/** The views of the room Autopilot, in the order of its tabs; each is loaded when it is opened. */
import type { Component } from 'svelte';
import type { App } from '../../state/app.svelte.ts';
import type { AutopilotView } from '../../state/route.ts';

export interface AutopilotTab {
  readonly view: AutopilotView;
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Component<{ app: App }> }>;
}

export const AUTOPILOT_TABS: readonly AutopilotTab[] = [
  { view: 'steer', name: 'Steer', load: () => import('./SteerView.svelte') },
  { view: 'hand', name: 'By hand', load: () => import('./HandView.svelte') },
  { view: 'score', name: 'Eviction score', load: () => import('./ScoreView.svelte') },
];
