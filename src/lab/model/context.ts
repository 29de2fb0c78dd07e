/**
 * What a laboratory gets that works with a loaded model: the device, the weights, the tokenizer, and how to be told of.
 *
 * A laboratory makes engines of its own on it (createEngine) and destroys them; the weights stay with the session, which
 * was loaded by whoever asked. Where the device is lost the laboratory rejects with DeviceLostError; the session then
 * loads the same model again on a new device with `reopened`.
 */
import type { Tokenizer } from '../../engine/tokenizer/types.ts';
import type { LoadedModel } from '../../engine/weights-types.ts';
import type { Gpu } from '../../gpu/context.ts';
import type { LabHost } from '../host.ts';
import type { Progress } from '../types.ts';
import type { ModelFacts } from './types.ts';

export interface ModelOnGpu {
  readonly gpu: Gpu;
  readonly model: LoadedModel;
  /** null where the model came without one. */
  readonly tokenizer: Tokenizer | null;
}

export interface ModelLabContext extends ModelOnGpu {
  readonly facts: ModelFacts;
  readonly host: LabHost;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Pick<Progress, 'fraction' | 'message'>) => void;
  /** A fresh device with the same weights, after a loss. */
  readonly reopened: () => Promise<ModelOnGpu>;
}
