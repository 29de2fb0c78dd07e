/**
 * Fits the constants of the linear cost model (linear.ts) to steps that were measured.
 *
 * Weighted least squares with no constant below 0: an error counts by its share of the step's fitted time, so that short
 * decode steps, which time per output token is made of, weigh as much as long prefill steps. The weights follow the fit
 * (three rounds), not the noise of single steps, which would pull the fit below the mean. A constant that would turn
 * negative is left out, the most negative first, and the rest is fitted again.
 */
import type { LinearSettings } from './linear.ts';

/** What one measured step did and took. */
export interface FitStep {
  /** Tokens through the linear layers: prompt tokens and one a decoding sequence. */
  readonly tokens: number;
  readonly prefillPairs: number;
  readonly decodeContextTokens: number;
  readonly decodeSequences: number;
  readonly ms: number;
}

export interface LinearFit {
  readonly settings: LinearSettings;
  readonly steps: number;
  /** Σ |fitted − measured| / Σ measured, in percent. */
  readonly meanErrorPercent: number;
}

/** Fewer steps than this say nothing about five constants. */
export const LEAST_FIT_STEPS = 10;

const FEATURES = 5;
const ROUNDS = 3;

function features(step: FitStep): number[] {
  return [1, step.tokens, step.prefillPairs, step.decodeContextTokens, step.decodeSequences];
}

/** Null for too few steps. Steps without time are left out. */
export function fitLinear(measured: readonly FitStep[]): LinearFit | null {
  const steps = measured.filter(({ ms }) => ms > 0);
  if (steps.length < LEAST_FIT_STEPS) return null;
  const rows = steps.map(features);
  const times = steps.map(({ ms }) => ms);
  let weights = times.map(() => 1);
  let constants = new Array<number>(FEATURES).fill(0);
  for (let round = 0; round <= ROUNDS; round++) {
    constants = nonNegative(rows, times, weights);
    const least = mean(times) * 1e-3;
    weights = rows.map((row) => 1 / Math.max(least, dot(row, constants)) ** 2);
  }
  const errors = rows.map((row, i) => Math.abs(dot(row, constants) - (times[i] ?? 0)));
  const [baseMs = 0, perTokenMs = 0, perPrefillPairMs = 0, perContextTokenMs = 0, perSequenceMs = 0] =
    constants;
  return {
    settings: { kind: 'linear', baseMs, perTokenMs, perPrefillPairMs, perContextTokenMs, perSequenceMs },
    steps: steps.length,
    meanErrorPercent: (100 * mean(errors)) / mean(times),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

/** Least squares over the features that keep a constant of 0 or more. */
function nonNegative(
  rows: readonly (readonly number[])[],
  times: readonly number[],
  weights: readonly number[],
): number[] {
  let kept = Array.from({ length: FEATURES }, (_, i) => i).filter((i) => rows.some((row) => row[i] !== 0));
  for (;;) {
    const solved = solve(rows, times, weights, kept);
    const worst = solved.reduce((at, value, i) => (value < (solved[at] ?? 0) ? i : at), 0);
    if (solved.length > 0 && (solved[worst] ?? 0) < 0) {
      kept = kept.filter((_, i) => i !== worst);
      continue;
    }
    const constants = new Array<number>(FEATURES).fill(0);
    kept.forEach((feature, i) => (constants[feature] = solved[i] ?? 0));
    return constants;
  }
}

/** A little of the diagonal is added, so that features that always move together share what they explain. */
const RIDGE = 1e-9;

/** Weighted normal equations of the kept features, each scaled to a norm of 1, by Gauss's elimination. */
function solve(
  rows: readonly (readonly number[])[],
  times: readonly number[],
  weights: readonly number[],
  kept: readonly number[],
): number[] {
  const scale = kept.map((j) => {
    const sum = rows.reduce((total, row, i) => total + (weights[i] ?? 0) * (row[j] ?? 0) ** 2, 0);
    return sum > 0 ? Math.sqrt(sum) : 1;
  });
  const matrix = kept.map((j, a) =>
    [...kept, -1].map((k, b) => {
      const product = rows.reduce((total, row, i) => {
        const right = k < 0 ? (times[i] ?? 0) : (row[k] ?? 0) / (scale[b] ?? 1);
        return total + ((weights[i] ?? 0) * (row[j] ?? 0) * right) / (scale[a] ?? 1);
      }, 0);
      return a === b ? product + RIDGE : product;
    }),
  );
  return eliminate(matrix).map((value, i) => value / (scale[i] ?? 1));
}

/** @param matrix n rows of n + 1: a positive definite system and its right side; overwritten */
function eliminate(matrix: number[][]): number[] {
  const n = matrix.length;
  for (let column = 0; column < n; column++) {
    const pivot = matrix[column] ?? [];
    for (let row = column + 1; row < n; row++) {
      const line = matrix[row] ?? [];
      const factor = (line[column] ?? 0) / (pivot[column] ?? 1);
      for (let i = column; i <= n; i++) line[i] = (line[i] ?? 0) - factor * (pivot[i] ?? 0);
    }
  }
  const solved = new Array<number>(n).fill(0);
  for (let row = n - 1; row >= 0; row--) {
    const line = matrix[row] ?? [];
    let rest = line[n] ?? 0;
    for (let i = row + 1; i < n; i++) rest -= (line[i] ?? 0) * (solved[i] ?? 0);
    solved[row] = rest / (line[row] ?? 1);
  }
  return solved;
}
