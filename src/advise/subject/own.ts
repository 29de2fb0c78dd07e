/** Settings of the simulator as another scenario, or a server, has them. */
import type { Json } from '../../core/json.ts';
import type { ServerKind } from '../../core/run/load.ts';

/** `path=value` as `--set` reads it. */
export function assignmentOf(path: string, to: Json): string {
  return `${path}=${typeof to === 'string' ? to : JSON.stringify(to)}`;
}

type Flag = (to: Json) => string;
const named =
  (flag: string): Flag =>
  (to) =>
    `${flag} ${String(to)}`;
const ggml: Readonly<Record<string, string>> = { bf16: 'bf16', int8: 'q8_0', int4: 'q4_0' };

/**
 * Names of the arguments as src/exchange/plan/flags has them, with the sources of each. A server that is not here, or a
 * setting that it can't be given, has none.
 */
const FLAGS: Readonly<Partial<Record<ServerKind, Readonly<Record<string, Flag>>>>> = {
  vllm: {
    'engine.maxSequences': named('--max-num-seqs'),
    'engine.tokenBudget': named('--max-num-batched-tokens'),
    'engine.kvFormat': (to) => `--kv-cache-dtype ${to === 'bf16' ? 'auto' : String(to)}`,
    'engine.prefixCache': (to) => (to === 'off' ? '--no-enable-prefix-caching' : '--enable-prefix-caching'),
    'cluster.replicas': named('--data-parallel-size'),
  },
  sglang: {
    'engine.maxSequences': named('--max-running-requests'),
    'engine.tokenBudget': named('--chunked-prefill-size'),
    'engine.kvFormat': (to) => `--kv-cache-dtype ${to === 'fp8' ? 'fp8_e4m3' : 'auto'}`,
  },
  'llama.cpp': {
    'engine.maxSequences': named('--parallel'),
    'engine.tokenBudget': named('--batch-size'),
    'engine.kvFormat': (to) => {
      const type = ggml[String(to)] ?? 'f16';
      return `--cache-type-k ${type} --cache-type-v ${type}`;
    },
  },
};

/** null where there is no such argument. */
export function flagOf(server: ServerKind, path: string, to: Json): string | null {
  return FLAGS[server]?.[path]?.(to) ?? null;
}
