/**
 * Runs a quality scenario on a loaded model: the full f32 cache first, then every other cell on the same tokens.
 *
 * What goes wrong with one cell stays with that cell: it fails with its reason and no numbers. A lost device is opened
 * again once a run of the cell. A cancel keeps the cells that were finished.
 */
import type { QualityModel, QualityPoint, QualityRun } from '../../core/run/quality.ts';
import { cellLabel, cellsOf, isEmulated, type QualityCell } from '../../core/scenario/quality/cells.ts';
import type { QualityScenario } from '../../core/scenario/quality/schema.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import { reduceForSoftware } from '../../core/scenario/reduce.ts';
import { createEngine } from '../../engine/engine.ts';
import type { EngineHooks, EngineSettings } from '../../engine/engine-types.ts';
import { describeEnvironment } from '../environment.ts';
import { UnsupportedError } from '../errors.ts';
import type { ModelLabContext, ModelOnGpu } from '../model/context.ts';
import type { Progress } from '../types.ts';
import { CellRunner, type CellPlan } from './cell.ts';
import { createEmulator } from './emulator.ts';
import type { OpenEngine, QualityEngine } from './engine-port.ts';
import { sampleTexts } from './measure.ts';
import { drawPictures } from './pictures.ts';
import { engineSettings, windowed } from './settings.ts';
import { heldOutTexts, piecesOf, recallQuestions, taskOf, textTokens } from './tasks.ts';

export interface QualityOptions {
  /** Token ids of a text that a person gave for perplexity; null: held-out text, or the model's own samples. */
  readonly textIds: readonly number[] | null;
  /** What has been measured so far, after every cell. */
  readonly onPartial?: (progress: Progress, run: QualityRun) => void;
  /** For tests: makes the engine of a cell. */
  readonly open?: (on: ModelOnGpu, cell: QualityCell) => OpenEngine;
}

/** Most bytes of log probabilities of the full cache that are kept for comparison. */
const MOST_REFERENCE_BYTES = 256 * 2 ** 20;

/** The real engine of a cell, rounding new rows where no pool holds its formats. */
function realEngine(context: ModelLabContext, { gpu, model }: ModelOnGpu, cell: QualityCell): OpenEngine {
  return async (settings, hooks) => {
    const { now } = context.host;
    const seen = { ...model, config: windowed(model.config, cell) };
    if (!isEmulated(cell)) return createEngine(gpu, seen, settings, { now, ...(hooks && { hooks }) });
    const emulator = await createEmulator(gpu, cell, model.config, settings.tokenBudget);
    return emulatedEngine(
      await createEngine(gpu, seen, settings, { now, hooks: { ...hooks, ...hooksOf(emulator) } }),
      () => emulator.destroy(),
    );
  };
}

function hooksOf({ onKeysValues }: Pick<EngineHooks, 'onKeysValues'>): EngineHooks {
  return onKeysValues ? { onKeysValues } : {};
}

function emulatedEngine(engine: QualityEngine, destroy: () => void): QualityEngine {
  return {
    variant: `${engine.variant} · rows rounded before the append`,
    kvBytesPerToken: engine.kvBytesPerToken,
    submit: (request) => engine.submit(request),
    step: () => engine.step(),
    destroy: () => {
      engine.destroy();
      destroy();
    },
  };
}

/** @throws UnsupportedError where the model cannot be asked at all; Error of a device lost twice */
export async function runQuality(
  scenario: QualityScenario,
  context: ModelLabContext,
  options: QualityOptions,
): Promise<QualityRun> {
  return new QualityLab(scenario, context, options).run();
}

class QualityLab {
  readonly #scenario: QualityScenario;
  readonly #context: ModelLabContext;
  readonly #options: QualityOptions;
  readonly #cells: readonly QualityCell[];
  readonly #points: QualityPoint[] = [];
  readonly #notes: string[] = [];
  readonly #createdAt: string;
  readonly #id: string;
  #on: ModelOnGpu;
  #text: QualityModel['text'] = 'held-out';
  #pictures: QualityRun['pictures'] = [];

  constructor(scenario: QualityScenario, context: ModelLabContext, options: QualityOptions) {
    this.#scenario = context.gpu.isFallback ? this.#reduced(scenario) : scenario;
    this.#context = context;
    this.#options = options;
    this.#on = context;
    this.#cells = cellsOf(this.#scenario);
    this.#createdAt = context.host.date();
    this.#id = context.host.newId();
  }

  #reduced(scenario: QualityScenario): QualityScenario {
    const smaller = Object.entries(scenario.softwareAdapter).filter(([path, value]) => {
      const asked = valueAt(scenario, path);
      return typeof value !== 'number' || typeof asked !== 'number' || value < asked;
    });
    const reduced = reduceForSoftware({ ...scenario, softwareAdapter: Object.fromEntries(smaller) });
    if (!reduced.ok) throw new UnsupportedError(reduced.sentence);
    this.#notes.push(...reduced.notes);
    return reduced.scenario;
  }

  async run(): Promise<QualityRun> {
    let complete = true;
    try {
      await this.#all();
    } catch (error) {
      if (!this.#context.signal.aborted) throw error;
      complete = false;
      this.#notes.push('Cancelled: the caches that were finished are kept.');
    }
    return this.#result(complete);
  }

  async #all(): Promise<void> {
    const { config } = this.#context.model;
    const questions = recallQuestions(this.#scenario, config);
    const plan: CellPlan = {
      scenario: this.#scenario,
      config,
      questions,
      texts: await this.#texts(),
      signal: this.#context.signal,
    };
    const runner = new CellRunner(plan);
    for (const [index, cell] of this.#cells.entries()) {
      this.#points.push(await this.#cell(runner, cell, index));
      if (index === 0 && this.#points[0]?.status === 'failed') {
        throw new UnsupportedError(this.#points[0].reason ?? 'The full cache could not be run.');
      }
      this.#partial(index + 1, `${cellLabel(cell)} measured`);
    }
    await this.#draw(plan);
  }

  async #cell(runner: CellRunner, cell: QualityCell, index: number, reopened = false): Promise<QualityPoint> {
    const label = cellLabel(cell);
    try {
      const settings = this.#settings(cell);
      return await runner.measure(cell, settings, this.#open(cell), (share, what) =>
        this.#tell(index + share, `${label}: ${what}`),
      );
    } catch (error) {
      this.#context.signal.throwIfAborted();
      if (isLoss(error) && !reopened) {
        this.#on = await this.#context.reopened();
        this.#notes.push(`The GPU device was lost during “${label}”; the model was loaded again.`);
        return this.#cell(runner, cell, index, true);
      }
      return runner.failed(cell, sentenceOf(error));
    }
  }

  #settings(cell: QualityCell): EngineSettings {
    const { gpu, model } = this.#on;
    return engineSettings(this.#scenario, cell, model.config, gpu.isFallback);
  }

  #open(cell: QualityCell): OpenEngine {
    return this.#options.open?.(this.#on, cell) ?? realEngine(this.#context, this.#on, cell);
  }

  /** Texts for perplexity, KL and attention: a person's, the shipped model's language, or the model's own samples. */
  async #texts(): Promise<number[][]> {
    const { tasks, seed } = this.#scenario;
    const { config } = this.#context.model;
    const tokens = textTokens(tasks.text);
    const wanted = this.#fitting(
      Math.max(tasks.text.sequences, tasks.attentionSequences, tasks.speed.sequences),
    );
    if (wanted === 0) return [];
    const { textIds } = this.#options;
    if (textIds !== null) {
      this.#text = 'given';
      return this.#given(textIds, tokens, wanted);
    }
    const held = heldOutTexts(this.#scenario, config, wanted);
    if (held !== null) return held;
    this.#text = 'sampled';
    const [reference] = this.#cells;
    if (!reference) return [];
    this.#tell(0, 'the model writes its texts');
    const engine = await this.#open(reference)(this.#settings(reference));
    try {
      const watch = { signal: this.#context.signal };
      return await sampleTexts(engine, config.bosToken ?? 0, { sequences: wanted, tokens, seed }, watch);
    } finally {
      engine.destroy();
    }
  }

  #given(ids: readonly number[], tokens: number, wanted: number): number[][] {
    const pieces = piecesOf(ids, tokens, wanted);
    if (pieces.length === 0) {
      throw new UnsupportedError(
        `The text has ${ids.length} tokens and one sequence takes ${tokens}; give more of it, or lower tasks.text.promptTokens.`,
      );
    }
    if (pieces.length < wanted)
      this.#notes.push(`The text is enough for ${pieces.length} of ${wanted} sequences.`);
    return pieces;
  }

  /** As many texts as the reference's log probabilities may take room for. */
  #fitting(sequences: number): number {
    const { vocab } = this.#context.model.config;
    const each = vocab * 4 * this.#scenario.tasks.text.scoredTokens;
    const most = Math.max(1, Math.floor(MOST_REFERENCE_BYTES / each));
    if (sequences > most) {
      this.#notes.push(
        `${most} of ${sequences} texts: the probabilities of ${vocab} tokens at each position are kept for comparison.`,
      );
    }
    return Math.min(sequences, most);
  }

  async #draw(plan: CellPlan): Promise<void> {
    if (this.#scenario.tasks.attentionSequences === 0) return;
    const [reference] = this.#cells;
    if (!reference) return;
    this.#tell(this.#cells.length, 'attention of one sequence');
    try {
      this.#pictures = await drawPictures(
        plan,
        this.#cells,
        this.#settings(reference),
        this.#open(reference),
      );
    } catch (error) {
      this.#context.signal.throwIfAborted();
      this.#notes.push(`No picture of the attention: ${sentenceOf(error)}`);
    }
  }

  #tell(done: number, message: string): void {
    this.#context.onProgress({ fraction: Math.min(1, done / (this.#cells.length + 0.5)), message });
  }

  #partial(done: number, message: string): void {
    const fraction = Math.min(1, done / (this.#cells.length + 0.5));
    this.#options.onPartial?.({ fraction, message }, this.#result(false));
  }

  #result(complete: boolean): QualityRun {
    const { host, facts, model } = this.#context;
    const { config } = model;
    return {
      version: 1,
      kind: 'quality',
      id: this.#id,
      title: this.#scenario.title,
      createdAt: this.#createdAt,
      origin: 'measured',
      command: host.command,
      scenario: this.#scenario,
      environment: describeEnvironment(this.#on.gpu, host, null),
      model: {
        name: config.name.slice(0, 200),
        family: config.family,
        layers: config.layers,
        queryHeads: config.queryHeads,
        kvHeads: config.kvHeads,
        headDim: config.headDim,
        vocab: config.vocab,
        weights: facts.weightFormat,
        task: taskOf(config),
        text: this.#text,
      },
      points: [...this.#points],
      pictures: [...this.#pictures],
      notes: this.#notes.map((note) => note.slice(0, 600)).slice(0, 50),
      complete,
    };
  }
}

function isLoss(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'device-lost' || error.code === 'engine-lost')
  );
}

function sentenceOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 400);
}
