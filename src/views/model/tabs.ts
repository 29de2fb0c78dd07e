/** The views of the room Model, in the order of its tabs; each is loaded when it is opened. */
import type { Component } from 'svelte';
import type { App } from '../../state/app.svelte.ts';
import type { ModelView } from '../../state/route.ts';

export interface ModelTab {
  readonly view: ModelView;
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Component<{ app: App }> }>;
}

export const MODEL_TABS: readonly ModelTab[] = [
  { view: 'run', name: 'Run', load: () => import('./RunTab.svelte') },
  { view: 'quality', name: 'Quality', load: () => import('../quality/QualityTab.svelte') },
  { view: 'serving', name: 'Serving', load: () => import('../serving/ServingTab.svelte') },
  { view: 'move', name: 'Move', load: () => import('../transfer/MoveTab.svelte') },
];
