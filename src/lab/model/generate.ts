/**
 * One generation: some prompts, each continued by some samples, stepped until all have ended. Told as it goes.
 *
 * The engine is reached through a small port, so that a device may be lost in the middle: the owner of the port makes
 * another engine, and every sequence goes on from its tokens, as prompt and as counted output. A draw depends on the seed
 * and the position alone, so the tokens are those that would have come.
 */
import type { GenerationRequest, StepReport } from '../../engine/engine-types.ts';
import type { TextStream, Tokenizer } from '../../engine/tokenizer/types.ts';
import type {
  GeneratedSequence,
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  SequenceCache,
  StreamedToken,
} from './types.ts';

/** What the engine's cache holds of one request. */
export interface RequestCache {
  /** Block table, in the order of its tokens. */
  readonly blocks: readonly number[];
  readonly storedTokens: number;
  readonly evictedTokens: number;
}

export interface EnginePort {
  readonly numBlocks: number;
  readonly kvBytesPerToken: number;
  submit(request: GenerationRequest): number;
  step(): Promise<StepReport | null>;
  cancel(request: number): void;
  /** Empty before it runs and once it has ended. */
  cacheOf(request: number): RequestCache;
}

export interface GenerationHooks {
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly tokenizer: Tokenizer | null;
  readonly onUpdate: (update: GenerationUpdate) => void;
  /** Another engine after the device was lost, or null where this error is none of that. */
  readonly recover: (error: unknown) => Promise<EnginePort | null>;
}

const UPDATE_EVERY_MS = 33;
/** A device that is lost again and again is not worth another try. */
const MOST_RECOVERIES = 3;

interface Sequence {
  readonly promptIds: readonly number[];
  readonly seed: number;
  readonly stream: TextStream | null;
  readonly tokens: number[];
  readonly timesMs: number[];
  text: string;
  finished: GeneratedSequence['finished'];
  /** Leading prompt tokens that the prefix cache had. */
  cachedTokens: number;
  /** The engine's number of it; −1 when it has ended or waits for an engine. */
  request: number;
}

type Asked = Pick<GenerationWish, 'samples' | 'maxTokens' | 'sampling' | 'ignoreEnd'> & {
  readonly cache: Pick<GenerationWish['cache'], 'kvFormat'>;
};

/** @param prompts token ids of each prompt. @throws what the engine throws and `recover` does not answer */
export async function generate(
  engine: EnginePort,
  prompts: readonly (readonly number[])[],
  asked: Asked,
  hooks: GenerationHooks,
): Promise<GenerationResult> {
  return new Generation(engine, prompts, asked, hooks).run();
}

class Generation {
  #engine: EnginePort;
  readonly #asked: Asked;
  readonly #hooks: GenerationHooks;
  readonly #sequences: readonly Sequence[];
  readonly #byRequest = new Map<number, number>();
  readonly #startMs: number;
  #pending: StreamedToken[] = [];
  #sentAtMs = -Infinity;
  #last: StepReport | null = null;
  #steps = 0;
  #resumed = 0;

  constructor(
    engine: EnginePort,
    prompts: readonly (readonly number[])[],
    asked: Asked,
    hooks: GenerationHooks,
  ) {
    this.#engine = engine;
    this.#asked = asked;
    this.#hooks = hooks;
    this.#startMs = hooks.now();
    this.#sequences = prompts.flatMap((promptIds) =>
      Array.from({ length: asked.samples }, (_, sample) => ({
        promptIds,
        seed: (asked.sampling.seed + sample) >>> 0,
        stream: hooks.tokenizer?.stream() ?? null,
        tokens: [],
        timesMs: [],
        text: '',
        finished: 'no' as const,
        cachedTokens: 0,
        request: -1,
      })),
    );
  }

  async run(): Promise<GenerationResult> {
    this.#submit();
    while (!this.#hooks.signal.aborted) {
      const report = await this.#step();
      if (report === null) break;
      this.#hear(report);
    }
    if (this.#hooks.signal.aborted) await this.#cancel();
    this.#send();
    return this.#result();
  }

  /** Gives the engine every sequence that has not ended. The samples of a prompt share its blocks, where blocks can be. */
  #submit(): void {
    const { samples, maxTokens, sampling, ignoreEnd, cache } = this.#asked;
    const forks = cache.kvFormat !== 'int2';
    this.#byRequest.clear();
    let first = -1;
    for (const [number, sequence] of this.#sequences.entries()) {
      if (number % samples === 0) first = -1;
      if (sequence.finished !== 'no') continue;
      const fresh = forks && sequence.tokens.length === 0;
      sequence.request = this.#engine.submit({
        promptIds: [...sequence.promptIds, ...sequence.tokens],
        maxTokens: maxTokens - sequence.tokens.length,
        sampling: { ...sampling, seed: sequence.seed },
        ...(ignoreEnd ? { stopTokens: [] } : {}),
        ...(fresh && first >= 0 ? { forkOf: first } : {}),
      });
      if (fresh && first < 0) first = sequence.request;
      this.#byRequest.set(sequence.request, number);
    }
  }

  async #step(): Promise<StepReport | null> {
    for (;;) {
      try {
        return await this.#engine.step();
      } catch (error) {
        const next = this.#resumed < MOST_RECOVERIES ? await this.#hooks.recover(error) : null;
        if (next === null) throw error;
        this.#engine = next;
        this.#resumed++;
        this.#submit();
      }
    }
  }

  #hear(report: StepReport): void {
    this.#steps++;
    this.#last = report;
    const atMs = this.#hooks.now() - this.#startMs;
    report.joined.forEach((request, at) => {
      const sequence = this.#sequences[this.#byRequest.get(request) ?? -1];
      if (sequence) sequence.cachedTokens = report.joinedCachedTokens[at] ?? 0;
    });
    for (const { request, token, finished } of report.events) {
      const number = this.#byRequest.get(request) ?? -1;
      const sequence = this.#sequences[number];
      if (sequence === undefined || sequence.finished !== 'no') continue;
      const ended = finished !== 'no';
      const text =
        sequence.stream === null ? null : sequence.stream.push(token) + (ended ? sequence.stream.end() : '');
      sequence.tokens.push(token);
      sequence.timesMs.push(atMs);
      sequence.text += text ?? '';
      sequence.finished = finished;
      this.#pending.push({ sequence: number, token, text, atMs, finished });
    }
    if (atMs - this.#sentAtMs >= UPDATE_EVERY_MS) this.#send();
  }

  /** The engine hears of it with its next steps; then it is empty for the next wish. */
  async #cancel(): Promise<void> {
    for (const sequence of this.#sequences) {
      if (sequence.finished !== 'no') continue;
      sequence.finished = 'cancelled';
      if (sequence.request >= 0) this.#engine.cancel(sequence.request);
    }
    while ((await this.#engine.step()) !== null);
  }

  #send(): void {
    const last = this.#last;
    this.#sentAtMs = this.#hooks.now() - this.#startMs;
    this.#hooks.onUpdate({
      tokens: this.#pending,
      caches: this.#caches(),
      steps: this.#steps,
      stepMs: last === null ? 0 : last.endMs - last.startMs,
      numRunning: last?.numRunning ?? 0,
      numWaiting: last?.numWaiting ?? 0,
      numBlocks: this.#engine.numBlocks,
      numActiveBlocks: last?.numActiveBlocks ?? 0,
      numCachedBlocks: last?.numCachedBlocks ?? 0,
      resumed: this.#resumed,
    });
    this.#pending = [];
  }

  #caches(): SequenceCache[] {
    const caches = this.#sequences.map(({ request, finished }) =>
      request < 0 || finished !== 'no' ? null : this.#engine.cacheOf(request),
    );
    const references = new Map<number, number>();
    for (const cache of caches) {
      for (const block of cache?.blocks ?? []) references.set(block, (references.get(block) ?? 0) + 1);
    }
    return caches.flatMap((cache, sequence) => {
      if (cache === null || cache.blocks.length === 0) return [];
      const { blocks, storedTokens, evictedTokens } = cache;
      const { cachedTokens } = this.#sequences[sequence] ?? { cachedTokens: 0 };
      const shared = blocks.map((block) => references.get(block) ?? 1);
      return [{ sequence, blocks, references: shared, storedTokens, evictedTokens, cachedTokens }];
    });
  }

  #result(): GenerationResult {
    return {
      sequences: this.#sequences.map(({ promptIds, tokens, timesMs, text, stream, finished }) => ({
        promptIds,
        tokens,
        text: stream === null ? null : text,
        tokenTimesMs: timesMs,
        finished,
      })),
      kvBytesPerToken: this.#engine.kvBytesPerToken,
      steps: this.#steps,
      resumed: this.#resumed,
      complete: !this.#hooks.signal.aborted,
    };
  }
}
