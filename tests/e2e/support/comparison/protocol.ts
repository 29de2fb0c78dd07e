import type { GenerationTiming } from '../../../../src/lab/serving/backend.ts';

export interface Question {
  readonly hub: string;
  readonly repo: string;
  readonly device: 'auto' | 'webgpu' | 'wasm';
  readonly promptText: string;
  readonly maxTokens: number;
  /** Makes calls that must be refused too, and one that is cancelled after so many tokens. */
  readonly cancelAfterTokens?: number;
}

export type Answer =
  | {
      readonly ok: true;
      readonly name: string;
      readonly promptIds: readonly number[];
      readonly timing: GenerationTiming;
      /** What `onToken` told, in order. */
      readonly told: readonly number[];
      readonly text: string;
      readonly kvBytes: number | null;
      readonly progress: readonly number[];
      /** Repositories that the browser's Cache storage holds, and their bytes. */
      readonly kept: readonly { readonly id: string; readonly bytes: number }[];
      readonly offline: boolean;
      /** What the further calls ended with. */
      readonly sentences: readonly string[];
    }
  | { readonly ok: false; readonly sentence: string };
