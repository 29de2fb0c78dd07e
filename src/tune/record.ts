/** What was measured so far, by whom and in which order; and what an earlier run of the same scenario knows already. */
import { canonicalJson } from '../core/json.ts';
import type { TuneMetrics, TuneRun, TuneRunCell, TuneSamples } from '../core/run/tune.ts';
import { resolveTuning } from '../core/scenario/tune/resolved.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import { settingsKey, type TuneCandidate } from '../core/scenario/tune/space.ts';
import type { Block } from './rungs.ts';

/** A run of another tuning was given to go on from. */
export class OtherTuningError extends Error {
  readonly code = 'other-tuning';
  constructor(
    sentence = 'This run is of another tuning: its settings, cells, load or seed differ; start again without it.',
  ) {
    super(sentence);
    this.name = 'OtherTuningError';
  }
}

export class SampleRecord {
  readonly candidate: number[] = [];
  readonly cell: number[] = [];
  readonly repetition: number[] = [];
  readonly block: number[] = [];
  readonly ttftMs: number[] = [];
  readonly tpotMs: number[] = [];
  readonly outputTokensPerSecond: number[] = [];
  readonly memoryBytes: number[] = [];

  get size(): number {
    return this.candidate.length;
  }

  add(candidate: number, { index, cell, repetition }: Block, metrics: TuneMetrics): void {
    this.candidate.push(candidate);
    this.cell.push(cell);
    this.repetition.push(repetition);
    this.block.push(index);
    this.ttftMs.push(metrics.ttftMs);
    this.tpotMs.push(metrics.tpotMs);
    this.outputTokensPerSecond.push(metrics.outputTokensPerSecond);
    this.memoryBytes.push(metrics.memoryBytes);
  }

  samples(): TuneSamples {
    const { candidate, cell, repetition, block, ttftMs, tpotMs, outputTokensPerSecond, memoryBytes } = this;
    return {
      candidate: [...candidate],
      cell: [...cell],
      repetition: [...repetition],
      block: [...block],
      ttftMs: [...ttftMs],
      tpotMs: [...tpotMs],
      outputTokensPerSecond: [...outputTokensPerSecond],
      memoryBytes: [...memoryBytes],
    };
  }
}

/** What two scenarios must share for measurements of one to be those of the other. */
function sameWork(scenario: TuneScenario): string {
  const { executor, hardware, seed } = scenario;
  const { models, profile, load, baseline } = resolveTuning(scenario);
  const { contexts, outputs } = profile;
  return canonicalJson({ executor, models, hardware, contexts, outputs, load, baseline, seed });
}

/** Measurements of an earlier run, each to be taken once, and settings that were impossible. */
export class Known {
  readonly #metrics = new Map<string, TuneMetrics[]>();
  readonly #infeasible = new Map<string, string>();

  /**
   * @param about what the executor says of itself
   * @throws OtherTuningError
   */
  constructor(run: TuneRun | null, scenario: TuneScenario, about: string) {
    if (run === null) return;
    if (sameWork(run.scenario) !== sameWork(scenario)) throw new OtherTuningError();
    // Times of two devices, or of two models, are never ranked together.
    if (run.about !== about) {
      throw new OtherTuningError(
        `This run was made elsewhere (“${run.about.slice(0, 160)}”, here “${about.slice(0, 160)}”); start again without it.`,
      );
    }
    const keys = run.rows.map(({ settings }) => settingsKey(settings));
    run.samples.candidate.forEach((candidate, at) => {
      const cell = run.cells[run.samples.cell[at] ?? 0];
      const key = keys[candidate];
      if (cell === undefined || key === undefined) return;
      const name = nameOf(key, cell, run.samples.repetition[at] ?? 0);
      const found = this.#metrics.get(name) ?? [];
      this.#metrics.set(name, found);
      found.push({
        ttftMs: run.samples.ttftMs[at] ?? 0,
        tpotMs: run.samples.tpotMs[at] ?? 0,
        outputTokensPerSecond: run.samples.outputTokensPerSecond[at] ?? 0,
        memoryBytes: run.samples.memoryBytes[at] ?? 0,
      });
    });
    run.rows.forEach(({ status, reason }, at) => {
      const key = keys[at];
      if (status === 'infeasible' && key !== undefined)
        this.#infeasible.set(key, reason ?? 'It could not run.');
    });
  }

  /** The next one of these that was measured before. */
  take({ key }: TuneCandidate, cell: TuneRunCell, repetition: number): TuneMetrics | undefined {
    return this.#metrics.get(nameOf(key, cell, repetition))?.shift();
  }

  /** Why the settings could not run then. */
  reason({ key }: TuneCandidate): string | null {
    return this.#infeasible.get(key) ?? null;
  }
}

function nameOf(key: string, { model, context, output }: TuneRunCell, repetition: number): string {
  return `${key}|${model}|${context}|${output}|${repetition}`;
}
