/** The serving laboratory as the model's service loads it. */
import type { ModelFolder } from '../engine/weights/open.ts';
import type { ServingOptions } from '../lab/serving/run.ts';
import { createTransformersBackend } from '../lab/serving/transformers-backend.ts';

export { runServing } from '../lab/serving/run.ts';

/** The other engine on the same model's files; a sentence where there is nothing that it could read. */
export function peerOf(folder: ModelFolder | null): ServingOptions['peer'] {
  if (folder === null) {
    return 'transformers.js reads ONNX files beside config.json, and this model came as one file: take its repository instead.';
  }
  return async () => {
    const backend = createTransformersBackend({ folder, device: 'auto' });
    await backend.load();
    return backend;
  };
}
