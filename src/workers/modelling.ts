/** What the model's service loads when a model is first asked for. */
export { openGpu } from '../gpu/context.ts';
export { ModelSession } from '../lab/model/session.ts';
