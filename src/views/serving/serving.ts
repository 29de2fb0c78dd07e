/** The laboratory's state, made when it is first entered, and kept while the page lives. */
import type { App } from '../../state/app.svelte.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { ServingLab } from '../../state/serving.svelte.ts';

export function useServing(app: App): ServingLab {
  return (app.serving ??= lasting(() => new ServingLab(app.gpu, app.library)));
}
