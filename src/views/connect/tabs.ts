/** The views of the room Connect, in the order of its tabs; each is loaded when it is opened. */
import type { Component } from 'svelte';
import type { App } from '../../state/app.svelte.ts';
import type { ConnectView } from '../../state/route.ts';

export interface ConnectTab {
  readonly view: ConnectView;
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Component<{ app: App }> }>;
}

export const CONNECT_TABS: readonly ConnectTab[] = [
  { view: 'load', name: 'Load', load: () => import('./LoadView.svelte') },
  { view: 'watch', name: 'Watch', load: () => import('./WatchView.svelte') },
  { view: 'act', name: 'Act', load: () => import('./ActView.svelte') },
];
