/** A model that continues as what it last saw behind the same token, as far back as its cache reaches; no GPU. */
import type { ModelConfig } from '../../../src/engine/config.ts';
import type {
  EngineHooks,
  EngineSettings,
  GenerationRequest,
  RequestEvent,
  StepReport,
} from '../../../src/engine/engine-types.ts';
import type { QualityEngine } from '../../../src/lab/quality/engine-port.ts';
import type { ModelLabContext } from '../../../src/lab/model/context.ts';
import { LEDGER_TOKENS } from '../../../src/core/workload/recall.ts';
import { environment } from '../../support/runs.ts';

export const CONFIG: ModelConfig = {
  family: 'llama',
  name: 'ledger-test',
  layers: 2,
  hidden: 32,
  intermediate: 64,
  queryHeads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: LEDGER_TOKENS.length,
  maxPositionTokens: 1024,
  norm: { kind: 'rms', epsilon: 1e-5 },
  positions: { kind: 'rope', theta: 10_000, layout: 'half', rotaryDim: 16, scaling: null },
  activation: 'silu',
  gated: true,
  parallelBlock: false,
  qkNorm: false,
  tiedEmbeddings: true,
  biases: { qkv: false, output: false, mlp: false, head: false },
  windowTokens: 0,
  bosToken: 1,
  eosTokens: [2],
};

const BITS = { f32: 24, f16: 11, int8: 8, 'fp8-e4m3': 4, 'fp8-e5m2': 3, int4: 4, int2: 2 } as const;

interface Running {
  readonly request: GenerationRequest;
  readonly ids: number[];
  index: number;
}

/** Noise that depends on the tokens and the place alone. */
function noise(a: number, b: number): number {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43758.5453;
  return x - Math.floor(x);
}

export class FakeEngine implements QualityEngine {
  readonly variant = 'fake';
  readonly kvBytesPerToken = 100;
  destroyed = false;
  readonly #settings: EngineSettings;
  readonly #hooks: EngineHooks;
  readonly #running: Running[] = [];
  #clock = 0;

  constructor(settings: EngineSettings, hooks: EngineHooks = {}) {
    this.#settings = settings;
    this.#hooks = hooks;
  }

  submit(request: GenerationRequest): number {
    return this.#running.push({ request, ids: [...request.promptIds], index: 0 }) - 1;
  }

  step(): Promise<StepReport | null> {
    const events: RequestEvent[] = [];
    this.#running.forEach((one, row) => {
      if (one.index < one.request.maxTokens) events.push(this.#advance(one, row));
    });
    if (events.length === 0) return Promise.resolve(null);
    this.#clock += 2;
    return Promise.resolve({
      ...{ step: this.#clock, startMs: this.#clock - 2, endMs: this.#clock, gpuMs: null },
      ...{ decodeSequences: events.length, decodeContextTokens: 0, prefillTokens: 0, prefillChunks: 0 },
      ...{ prefillPairs: 0, joined: [], joinedCachedTokens: [], preempted: [], lostTokens: [], events },
      ...{
        numRunning: events.length,
        numWaiting: 0,
        numActiveBlocks: 0,
        numCachedBlocks: 0,
        numWastedSlots: 0,
      },
    });
  }

  destroy(): void {
    this.destroyed = true;
  }

  #advance(one: Running, row: number): RequestEvent {
    const { request, ids, index } = one;
    const logits = this.#logits(ids);
    this.#look(row, ids.length - 1, index > 0);
    request.onLogits?.(index, logits);
    const token = request.forced?.[index] ?? logits.indexOf(Math.max(...logits));
    ids.push(token);
    one.index++;
    return { request: row, token, index, finished: one.index === request.maxTokens ? 'length' : 'no' };
  }

  #logits(ids: readonly number[]): Float32Array {
    const { eviction, kvFormat } = this.#settings;
    const reach =
      eviction.policy === 'none' || eviction.policy === 'quest' ? ids.length : eviction.budgetTokens;
    const last = ids.at(-1) ?? 0;
    const seen = ids.slice(0, -1).lastIndexOf(last);
    const known = seen >= 0 && ids.length - seen <= reach ? (ids[seen + 1] ?? 0) : -1;
    const loud = 40 / 2 ** BITS[kvFormat];
    return Float32Array.from(
      { length: CONFIG.vocab },
      (_, id) => (id === known ? 8 : 0) + loud * noise(id, last) + 0.1 * noise(last, id),
    );
  }

  #look(request: number, position: number, decoded: boolean): void {
    const { capture } = this.#hooks;
    if (!capture || !decoded) return;
    const off = 1 + 2 ** -BITS[this.#settings.kvFormat];
    for (let layer = 0; layer < CONFIG.layers; layer++) {
      const output = Float32Array.from({ length: 64 }, (_, i) => off * noise(position, i + layer));
      const tokens = position + 1;
      const weights = new Float32Array(CONFIG.queryHeads * tokens).fill(1 / tokens);
      capture.onAttention({ layer, request, position, output, ...(capture.attention && { weights }) });
    }
  }
}

/** What a session lends; only what the laboratory reads. */
export function fakeContext(signal: AbortSignal, onProgress: ModelLabContext['onProgress']): ModelLabContext {
  const context = {
    gpu: {
      isFallback: false,
      info: { ...environment.adapter, subgroupMinSize: 4, subgroupMaxSize: 8 },
      limits: {},
      device: { features: new Set<string>() },
    },
    model: { config: CONFIG, weightFormat: 'f32' },
    tokenizer: null,
    facts: { weightFormat: 'f32' },
    host: {
      facts: { appVersion: '0', runtime: 'test', os: 'test', hostMemoryBytes: null, logicalCores: 1 },
      power: 'high-performance',
      now: () => 0,
      date: () => '2026-01-02T03:04:05.000Z',
      newId: () => 'quality-fake',
      command: null,
    },
    signal,
    onProgress,
  };
  return context as unknown as ModelLabContext;
}
