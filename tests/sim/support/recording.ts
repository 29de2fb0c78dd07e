/** A recorded run made up for tests, as the texts that a replay takes, of the model in profile.ts. */
import type { RecordedTexts } from '../../../src/sim/replay/index.ts';
import { FILES } from './profile.ts';

export const CONFIG = JSON.stringify({
  num_hidden_layers: 2,
  hidden_size: 64,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 128,
  vocab_size: 100,
  max_position_embeddings: 4096,
});

export const meta = (changes: object = {}): object => ({
  model: 'maker/Two-Layers',
  vllm_version: '0.19.0',
  engine_kwargs: {
    tensor_parallel_size: 1,
    max_num_seqs: 4,
    max_num_batched_tokens: 256,
    enforce_eager: true,
  },
  kv_cache: { num_gpu_blocks: 33, block_size: 16, enable_prefix_caching: true },
  tick_seconds: 0.01,
  ...changes,
});

export interface Line {
  readonly input: number;
  readonly output: number;
  readonly ms: number;
  readonly queued: number;
  readonly first: number;
  readonly last: number;
}

export function texts(
  lines: readonly Line[],
  changes: Partial<Record<keyof RecordedTexts, unknown>> = {},
): RecordedTexts {
  return {
    workload: lines
      .map(({ input, output, ms }) =>
        JSON.stringify({ timestamp: ms, input_length: input, output_length: output, hash_ids: [] }),
      )
      .join('\n'),
    requests: lines
      .map(({ input, output, queued, first, last }) =>
        JSON.stringify({
          input_toks: input,
          output_toks: output,
          queued_ts: 1000 + queued / 1000,
          first_token_ts: 1000 + first / 1000,
          last_token_ts: 1000 + last / 1000,
        }),
      )
      .join('\n'),
    meta: JSON.stringify(meta()),
    config: CONFIG,
    profile: FILES,
    ...changes,
  } as RecordedTexts;
}
