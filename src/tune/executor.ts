/**
 * Who measures settings for the tuner: the simulator, the attention kernels, or the engine with a real model.
 *
 * Boundary: settings and a cell in, numbers out. Which settings are tried, how often, and what follows from the numbers is
 * the search's affair (search.ts).
 */
import type { Environment } from '../core/run/environment.ts';
import type { TuneMetrics } from '../core/run/tune.ts';
import type { TuneCell } from '../core/scenario/tune/profiles.ts';
import type { TuneExecutorName, TuneSettings } from '../core/scenario/tune/schema.ts';

export interface Measurement {
  readonly settings: TuneSettings;
  readonly cell: TuneCell;
  /** Draws the same requests for every candidate. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

export interface TuneExecutor {
  readonly kind: TuneExecutorName;
  readonly origin: 'measured' | 'simulated';
  /** Who measures and what the times rest on: a sentence. */
  readonly about: string;
  readonly environment: Environment | null;
  /** A device that warms up or throttles: the baseline is measured again and again beside the others. */
  readonly drifts: boolean;
  /** Longest prompt + output of a model; 0 where it is not known. */
  maxTokens(model: string): number;
  /** Why the settings can't run in the cell, known before anything is measured; null: they may. */
  refuses(settings: TuneSettings, cell: TuneCell): string | null;
  /** @throws InfeasibleError where they can't after all; the signal's reason when aborted */
  measure(measurement: Measurement): Promise<TuneMetrics>;
  /** Milliseconds that it took to start with these settings: load, compile; null where nothing starts. */
  startupMs(settings: TuneSettings): number | null;
  close(): Promise<void>;
}

/** Settings that can't run; never tried again. */
export class InfeasibleError extends Error {
  readonly code = 'infeasible';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'InfeasibleError';
  }
}

export function memorySentence(bytes: number, limit: number): string {
  return `It takes ${(bytes / 1e9).toFixed(2)} GB, more than the ${(limit / 1e9).toFixed(2)} GB of budget.memoryGB.`;
}
