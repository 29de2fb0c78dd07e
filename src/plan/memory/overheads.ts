/**
 * What engines take beside weights and KV, by engine and version: constants with their source each.
 *
 * Boundary: numbers of one GPU. Where a version is newer than the newest row, that row counts; where it is older than the
 * oldest, the oldest. What they are multiplied with is in terms.ts.
 */
import type { PlanEngineName } from '../../core/scenario/plan/schema.ts';

const GIB = 2 ** 30;

export interface EngineOverheads {
  readonly engine: PlanEngineName;
  /** From this version on. */
  readonly version: string;
  /** Bytes of sampling for each sequence of the profiling run and each word of the vocabulary. */
  readonly samplingBytes: number;
  /** What the runtime and its libraries take outside of the engine's allocator. */
  readonly runtimeBytes: number;
  /** The same once ranks talk: buffers of two ranks, and of more. */
  readonly communicationBytes: { readonly two: number; readonly more: number };
  /** Captured graphs, and whether the engine takes them from the KV cache's share or from what it leaves free. */
  readonly graphBytes: number;
  readonly graphsCounted: boolean;
  /** The engine's own default share of the memory. */
  readonly memoryUtilization: number;
  readonly source: string;
}

const REPORT = 'llm-d-planner accuracy report (57 starts of vLLM 0.15 to 0.19 on H100)';

/** Newest last in each engine. */
export const ENGINE_OVERHEADS: readonly EngineOverheads[] = [
  {
    engine: 'vllm',
    version: '0.8',
    samplingBytes: 38,
    runtimeBytes: 0.13 * GIB,
    communicationBytes: { two: 0.42 * GIB, more: 0.5 * GIB },
    graphBytes: 0.4 * GIB,
    graphsCounted: false,
    memoryUtilization: 0.9,
    source: 'llm-d-benchmark config_explorer/empirical-vllm-memory-results.md',
  },
  {
    engine: 'vllm',
    version: '0.17',
    samplingBytes: 14,
    runtimeBytes: 0.13 * GIB,
    communicationBytes: { two: 1.82 * GIB, more: 1.9 * GIB },
    graphBytes: 0.5 * GIB,
    graphsCounted: false,
    memoryUtilization: 0.9,
    source: REPORT,
  },
  {
    engine: 'vllm',
    version: '0.18',
    samplingBytes: 14,
    runtimeBytes: 0.25 * GIB,
    communicationBytes: { two: 1.82 * GIB, more: 1.9 * GIB },
    graphBytes: 0.5 * GIB,
    graphsCounted: false,
    memoryUtilization: 0.9,
    source: REPORT,
  },
  {
    engine: 'vllm',
    version: '0.21',
    samplingBytes: 14,
    runtimeBytes: 0.25 * GIB,
    communicationBytes: { two: 1.82 * GIB, more: 1.9 * GIB },
    graphBytes: 0.5 * GIB,
    graphsCounted: true,
    memoryUtilization: 0.92,
    source: `${REPORT}; graphs: vLLM docs, v1/worker/gpu_worker.py`,
  },
  {
    engine: 'sglang',
    version: '0.4',
    samplingBytes: 14,
    runtimeBytes: 0.5 * GIB,
    communicationBytes: { two: 1 * GIB, more: 1 * GIB },
    graphBytes: 1 * GIB,
    graphsCounted: false,
    memoryUtilization: 0.88,
    source: 'SGLang server_args.py; assumed',
  },
  {
    engine: 'tensorrt-llm',
    version: '1.0',
    samplingBytes: 14,
    runtimeBytes: 1 * GIB,
    communicationBytes: { two: 0.5 * GIB, more: 0.6 * GIB },
    graphBytes: 0.5 * GIB,
    graphsCounted: false,
    memoryUtilization: 0.9,
    source: 'TensorRT-LLM docs, memory usage; assumed',
  },
  {
    engine: 'llama.cpp',
    version: 'b5000',
    samplingBytes: 4,
    runtimeBytes: 0.4 * GIB,
    communicationBytes: { two: 0, more: 0 },
    graphBytes: 0,
    graphsCounted: true,
    memoryUtilization: 0.95,
    source: 'assumed',
  },
];

/** Numbers of a version, so that 0.9 is older than 0.19. */
function versionNumbers(version: string): number[] {
  return (version.match(/\d+/g) ?? []).map(Number);
}

/** Whether version `a` is `b` or newer. */
export function versionAtLeast(a: string, b: string): boolean {
  const [left, right] = [versionNumbers(a), versionNumbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

const CACHE = new Map<string, EngineOverheads>();

/** The row of an engine's version; null: the newest. */
export function overheadsOf(engine: PlanEngineName, version: string | null): EngineOverheads {
  const key = `${engine} ${version ?? ''}`;
  const known = CACHE.get(key);
  if (known) return known;
  const rows = ENGINE_OVERHEADS.filter((row) => row.engine === engine);
  const row =
    version === null
      ? rows.at(-1)
      : (rows.findLast((candidate) => versionAtLeast(version, candidate.version)) ?? rows[0]);
  if (!row) throw new RangeError(`The engine ${engine} has no overheads.`);
  CACHE.set(key, row);
  return row;
}
