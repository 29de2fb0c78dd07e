/** The room's state, made when it is first entered, and kept while the page lives. */
import type { App } from '../../state/app.svelte.ts';
import { lasting } from '../../state/lasting.svelte.ts';
import { QualitySession } from '../../state/quality.svelte.ts';

export function useQuality(app: App): QualitySession {
  return (app.quality ??= lasting(() => new QualitySession(app.gpu, app.library)));
}
