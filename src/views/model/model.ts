/** The room's state, made when the room is first entered. */
import type { App } from '../../state/app.svelte.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { ModelState } from '../../state/model.svelte.ts';

export function useModel(app: App): ModelState {
  return (app.model ??= lasting(() => new ModelState(app.gpu, document.baseURI)));
}
