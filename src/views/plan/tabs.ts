/** The views of the room Plan, in the order of its tabs; each is loaded when it is opened. */
import type { Component } from 'svelte';
import type { App } from '../../state/app.svelte.ts';
import type { PlanView } from '../../state/route.ts';

export interface PlanTab {
  readonly view: PlanView;
  readonly name: string;
  readonly load: () => Promise<{ readonly default: Component<{ app: App }> }>;
}

export const PLAN_TABS: readonly PlanTab[] = [
  { view: 'answer', name: 'Answer', load: () => import('./AnswerView.svelte') },
  { view: 'compare', name: 'Compare', load: () => import('./CompareView.svelte') },
  { view: 'measured', name: 'Against measurement', load: () => import('./MeasuredView.svelte') },
];
