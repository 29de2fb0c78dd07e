/** The loaded model as the page sees it: which one, how far it is loaded, what it could not be. */
import { SHIPPED_MODEL } from '../engine/shipped.ts';
import type { WeightFormat } from '../gpu/kernels/linear-config.ts';
import type { ModelFacts, ModelProgress, ModelSource } from '../workers/model-api.ts';
import { faultOf, type Fault } from './faults.ts';
import type { GpuState } from './gpu.svelte.ts';
import { ModelForm } from './model-form.svelte.ts';
import { ModelRun } from './model-run.svelte.ts';

export type ModelStatus = 'none' | 'loading' | 'stopping' | 'ready';

/** Faults after which the worker holds no model any more. */
const GONE: readonly string[] = ['no-model', 'worker-failed', 'device-lost'];

export class ModelState {
  readonly #gpu: GpuState;
  /** Address of the folder that holds `models/`. */
  readonly #base: string;
  readonly form = new ModelForm();
  readonly run: ModelRun;
  status: ModelStatus = $state('none');
  progress: ModelProgress = $state.raw({ fraction: 0, message: '' });
  facts: ModelFacts | null = $state.raw(null);
  fault: Fault | null = $state.raw(null);
  weightFormat: WeightFormat = $state('f32');
  /** The source that was asked for last. */
  source: ModelSource | null = $state.raw(null);

  constructor(gpu: GpuState, base: string) {
    this.#gpu = gpu;
    this.#base = base;
    this.run = new ModelRun(gpu);
  }

  get busy(): boolean {
    return this.status === 'loading' || this.status === 'stopping' || this.run.busy;
  }

  /**
   * On entering the room: the model that ships with the page, unless one was asked for before.
   * @param show answers its example as soon as it is there
   */
  async enter(show: boolean): Promise<void> {
    if (this.source !== null || !this.#gpu.usable) return;
    await this.loadShipped();
    if (show && this.status === 'ready' && this.#gpu.busyWith === null) await this.showExample();
  }

  /** The prompt that shows what the shipped model can do. */
  async showExample(): Promise<void> {
    this.form.asIds = false;
    this.form.prompts = [SHIPPED_MODEL.examplePrompt];
    await this.generate();
  }

  /** What should be said first, where the prompt that runs is the shipped model's example. */
  get expected(): string | null {
    const [prompt] = this.run.wish?.prompts ?? [];
    const isExample = prompt?.kind === 'text' && prompt.text === SHIPPED_MODEL.examplePrompt;
    return this.facts?.source === 'shipped' && isExample ? SHIPPED_MODEL.exampleAnswer : null;
  }

  loadShipped(): Promise<void> {
    return this.load({ kind: 'shipped', base: this.#base });
  }

  async load(source: ModelSource): Promise<void> {
    if (this.busy) return;
    this.status = 'loading';
    this.source = source;
    this.fault = null;
    this.facts = null;
    this.progress = { fraction: null, message: 'Starting the GPU worker' };
    const { weightFormat } = this;
    const wish = { weightFormat, budgetBytes: null, power: this.#gpu.power };
    const outcome = await this.#gpu.askModel((model) =>
      model.load(source, wish, (progress) => (this.progress = progress)),
    );
    if (outcome.ok) {
      this.#take(outcome.value);
      return;
    }
    this.status = 'none';
    this.fault = outcome.error.code === 'cancelled' ? null : faultOf(outcome.error);
  }

  async cancelLoad(): Promise<void> {
    if (this.status !== 'loading') return;
    this.status = 'stopping';
    await this.#gpu.askModel((model) =>
      Promise.resolve(model.cancel()).then(() => ({ ok: true, value: null })),
    );
  }

  /** The same model again, perhaps in another format of its weights. */
  async reload(): Promise<void> {
    if (this.source !== null) await this.load(this.source);
  }

  async generate(): Promise<void> {
    const { wish } = this.form;
    if (!wish.ok || this.status !== 'ready') return;
    const code = await this.run.start(wish.value);
    // A worker that was ended, or a device that would not come back, took the model with it.
    if (code !== null && GONE.includes(code)) this.#forget();
    else if (code === 'cancelled') await this.#confirm();
  }

  /** A worker that did not answer the cancel was ended, and a new one holds no model. */
  async #confirm(): Promise<void> {
    const held = await this.#gpu.askModel((model) => model.describe());
    if (!held.ok || held.value === null) this.#forget();
  }

  #forget(): void {
    this.status = 'none';
    this.facts = null;
  }

  #take(facts: ModelFacts): void {
    this.facts = facts;
    this.status = 'ready';
    this.form.asIds = !facts.speaksText;
    this.form.asChat = facts.speaksChat;
  }
}
