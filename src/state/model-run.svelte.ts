/** One generation as it goes on: what each sequence says, when its tokens came, what its cache holds. */
import type {
  GenerationResult,
  GenerationUpdate,
  GenerationWish,
  SequenceCache,
} from '../workers/model-api.ts';
import { faultOf, type Fault } from './faults.ts';
import type { GpuState } from './gpu.svelte.ts';

export type GenerationStatus = 'idle' | 'running' | 'stopping' | 'done' | 'stopped' | 'failed';

/** One sequence on the page. */
export interface SequenceView {
  readonly name: string;
  readonly text: string;
  readonly tokens: readonly number[];
  /** Milliseconds from the start to each token. */
  readonly timesMs: readonly number[];
  readonly finished: GenerationUpdate['tokens'][number]['finished'];
  /** As it stood when it was last heard of. */
  readonly cache: SequenceCache | null;
}

export type PoolView = Omit<GenerationUpdate, 'tokens' | 'caches'>;

export class ModelRun {
  readonly #gpu: GpuState;
  status: GenerationStatus = $state('idle');
  sequences: readonly SequenceView[] = $state.raw([]);
  pool: PoolView | null = $state.raw(null);
  wish: GenerationWish | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  kvBytesPerToken = $state(0);
  wasHidden = $state(false);

  constructor(gpu: GpuState) {
    this.#gpu = gpu;
  }

  get busy(): boolean {
    return this.status === 'running' || this.status === 'stopping';
  }

  /** @returns the code of the fault it ended with, for whoever keeps the model; null without one. */
  async start(wish: GenerationWish): Promise<string | null> {
    if (this.busy) return null;
    this.status = 'running';
    this.wish = wish;
    this.fault = null;
    this.pool = null;
    this.sequences = namesOf(wish).map((name) => ({
      name,
      text: '',
      tokens: [],
      timesMs: [],
      finished: 'no',
      cache: null,
    }));
    const { outcome, wasHidden } = await this.#gpu.measureModel('A model', (model) =>
      model.generate(wish, (update) => this.#hear(update)),
    );
    this.wasHidden = wasHidden;
    if (outcome.ok) {
      this.#finish(outcome.value);
      return null;
    }
    const { code } = outcome.error;
    this.fault = code === 'cancelled' ? null : faultOf(outcome.error);
    this.status = this.fault === null ? 'stopped' : 'failed';
    return code;
  }

  async stop(): Promise<void> {
    if (this.status !== 'running') return;
    this.status = 'stopping';
    await this.#gpu.cancel();
  }

  #hear({ tokens, caches, ...pool }: GenerationUpdate): void {
    if (!this.busy) return;
    const next = this.sequences.map((sequence) => ({
      ...sequence,
      tokens: [...sequence.tokens],
      timesMs: [...sequence.timesMs],
    }));
    for (const { sequence, token, text, atMs, finished } of tokens) {
      const heard = next[sequence];
      if (heard === undefined) continue;
      heard.tokens.push(token);
      heard.timesMs.push(atMs);
      heard.text += text ?? `${heard.text === '' ? '' : ', '}${token}`;
      heard.finished = finished;
    }
    for (const cache of caches) {
      const heard = next[cache.sequence];
      if (heard !== undefined) heard.cache = cache;
    }
    this.sequences = next;
    this.pool = pool;
  }

  #finish({ sequences, complete, kvBytesPerToken }: GenerationResult): void {
    this.kvBytesPerToken = kvBytesPerToken;
    this.sequences = this.sequences.map((view, at) => {
      const whole = sequences[at];
      if (whole === undefined) return view;
      const { tokens, text, tokenTimesMs, finished } = whole;
      return { ...view, tokens, text: text ?? tokens.join(', '), timesMs: tokenTimesMs, finished };
    });
    this.status = complete ? 'done' : 'stopped';
  }
}

function namesOf({ prompts, samples }: GenerationWish): string[] {
  return prompts.flatMap((_, at) =>
    Array.from({ length: samples }, (__, sample) => {
      const prompt = prompts.length === 1 ? '' : `Prompt ${at + 1}`;
      if (samples === 1) return prompt === '' ? 'Continuation' : prompt;
      return prompt === '' ? `Sample ${sample + 1}` : `${prompt}, sample ${sample + 1}`;
    }),
  );
}
