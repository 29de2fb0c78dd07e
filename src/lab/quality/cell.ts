/** One cell after the other, each measured against the first: which engine, which tasks, what is kept for the next. */
import type { QualityPoint } from '../../core/run/quality.ts';
import { isEmulated, type QualityCell } from '../../core/scenario/quality/cells.ts';
import type { QualityScenario } from '../../core/scenario/quality/schema.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineHooks, EngineSettings } from '../../engine/engine-types.ts';
import { gather, headErrors, type AttentionOutputs } from './attention.ts';
import type { OpenEngine, QualityEngine } from './engine-port.ts';
import { runForced } from './forced.ts';
import { measureRecall, measureSpeed, measureTexts, type ReferenceLogs } from './measure.ts';
import { bytesPerToken, keptShare } from './settings.ts';
import type { RecallQuestion } from './tasks.ts';

/** What every cell of a run is asked. */
export interface CellPlan {
  readonly scenario: QualityScenario;
  readonly config: ModelConfig;
  readonly questions: readonly RecallQuestion[];
  readonly texts: readonly (readonly number[])[];
  readonly signal: AbortSignal;
}

type OnShare = (share: number, what: string) => void;

/** Sequences of one engine that is looked into: each copies its attention of every step. */
const CAPTURE_STEP_TOKENS = 256;

export class CellRunner {
  readonly #plan: CellPlan;
  /** Of the full cache; filled by the first cell. */
  readonly #logs: ReferenceLogs = [];
  #attention: AttentionOutputs | null = null;

  constructor(plan: CellPlan) {
    this.#plan = plan;
  }

  /** @throws whatever the engine does */
  async measure(
    cell: QualityCell,
    settings: EngineSettings,
    open: OpenEngine,
    onShare: OnShare,
  ): Promise<QualityPoint> {
    const { scenario, questions, texts, signal } = this.#plan;
    const { tasks } = scenario;
    const emulated = isEmulated(cell);
    const engine = await open(settings);
    const part = (from: number, to: number, what: string) => ({
      signal,
      onShare: (share: number) => onShare(from + (to - from) * share, what),
    });
    let measured: Pick<QualityPoint, 'recall' | 'text' | 'stepMs' | 'kernels'>;
    try {
      const recall =
        questions.length === 0 ? [] : await measureRecall(engine, questions, tasks, part(0, 0.5, 'recall'));
      const scored = texts.slice(0, tasks.text.sequences);
      const text =
        scored.length === 0
          ? []
          : await measureTexts(engine, scored, tasks, this.#logs, part(0.5, 0.8, 'held-out text'));
      const stepMs = emulated ? [] : await this.#speed(engine, part(0.8, 0.9, 'decode speed'));
      measured = { recall, text, stepMs, kernels: engine.variant.slice(0, 400) };
    } finally {
      engine.destroy();
    }
    onShare(0.9, 'attention by head');
    const attention = await this.#compare(settings, open);
    return { ...this.#costs(cell), status: 'done', reason: null, emulated, ...measured, attention };
  }

  failed(cell: QualityCell, reason: string): QualityPoint {
    const nothing = { recall: [], text: [], attention: [], stepMs: [], kernels: '' };
    return {
      ...this.#costs(cell),
      status: 'failed',
      reason: reason.slice(0, 400),
      emulated: isEmulated(cell),
      ...nothing,
    };
  }

  #costs(cell: QualityCell): Pick<QualityPoint, 'cell' | 'bytesPerToken' | 'heldBytesPerToken'> {
    const { scenario, config } = this.#plan;
    const bytes = bytesPerToken(cell, config, scenario.engine.blockSize);
    return {
      cell,
      bytesPerToken: bytes,
      heldBytesPerToken: bytes * keptShare(cell, scenario.tasks.recall.contextTokens),
    };
  }

  async #speed(engine: QualityEngine, watch: Parameters<typeof measureSpeed>[3]): Promise<number[]> {
    const { texts, scenario } = this.#plan;
    const { speed, text } = scenario.tasks;
    if (speed.sequences === 0 || texts.length === 0) return [];
    const prompts = Array.from({ length: speed.sequences }, (_, i) =>
      (texts[i % texts.length] ?? []).slice(0, text.promptTokens),
    );
    return measureSpeed(engine, prompts, { speed }, watch);
  }

  /** Runs a few texts once more on an engine that is looked into; the first cell's outputs are the measure. */
  async #compare(settings: EngineSettings, open: OpenEngine): Promise<QualityPoint['attention']> {
    const { scenario, texts, config, signal } = this.#plan;
    const { attentionSequences, text } = scenario.tasks;
    const looked = texts.slice(0, attentionSequences);
    if (looked.length === 0) return [];
    const outputs: AttentionOutputs = new Map();
    const first = text.promptTokens + 1;
    const hooks: EngineHooks = {
      // Requests of an engine are numbered from 0 in the order of submission.
      capture: { attention: false, onAttention: gather(outputs, (request) => request, first) },
    };
    const engine = await open(looking(settings, looked.length), hooks);
    try {
      const jobs = looked.map((ids) => ({
        promptIds: ids.slice(0, text.promptTokens),
        forced: ids.slice(text.promptTokens),
      }));
      await runForced(engine, jobs, { signal });
    } finally {
      engine.destroy();
    }
    this.#attention ??= outputs;
    return headErrors(this.#attention, outputs, config, looked.length);
  }
}

/** The same cache for fewer sequences, and smaller steps where rows need not stay together. */
export function looking(settings: EngineSettings, sequences: number): EngineSettings {
  const blocks = Math.ceil(settings.maxContextTokens / settings.blockSize) + 1;
  const whole = settings.tokenBudget === settings.maxSequences * settings.maxContextTokens;
  return {
    ...settings,
    maxSequences: sequences,
    numBlocks: sequences * blocks + 1,
    tokenBudget: whole
      ? sequences * settings.maxContextTokens
      : Math.max(sequences, Math.min(settings.tokenBudget, CAPTURE_STEP_TOKENS)),
  };
}
