/**
 * PyramidKV (arXiv:2406.02069, Zefan-Cai/KVCache-Factory pyramidkv_utils.py@5fb995d): SnapKV with a budget that falls
 * from layer to layer, because attention is spread out in the lower layers and gathers on few tokens in the upper ones.
 *
 * The budgets are an arithmetic series between (C − w)/β and twice the mean less that. Their step is a whole number, so
 * that their sum is not exactly layers · (C − w). kvpress rounds fractions instead; this follows the original.
 */
import type { EvictionPolicy } from './policy.ts';
import { snapkv, snapKvWindow } from './snapkv.ts';

export const PYRAMIDKV_BETA = 20;

export interface PyramidInput {
  /** Mean capacity C of a layer, the window included. */
  readonly maxCapacity: number;
  /** Newest tokens that every layer keeps. */
  readonly window: number;
  readonly layers: number;
  /** Tokens of the prompt. */
  readonly length: number;
  readonly beta?: number;
}

/** Tokens that each layer keeps beside the window, from the first layer on. */
export function pyramidKvBudgets({
  maxCapacity,
  window,
  layers,
  length,
  beta = PYRAMIDKV_BETA,
}: PyramidInput): number[] {
  const mean = maxCapacity - window;
  const same = (budget: number): number[] => new Array<number>(layers).fill(budget);
  if (length < maxCapacity) return same(Math.max(0, length - window));
  if (length < 2 * mean) return same(mean);
  let least = Math.floor(mean / beta);
  let most = 2 * mean - least;
  if (most >= length - window) {
    most = length - window;
    least = 2 * mean - most;
  }
  // A single layer has no slope; the original would divide by zero.
  const step = layers > 1 ? Math.floor((most - least) / (layers - 1)) : 0;
  return Array.from({ length: layers }, (_, layer) => (layers > 1 ? most - layer * step : mean));
}

export const pyramidkv: EvictionPolicy = {
  ...snapkv,
  name: 'pyramidkv',
  title: 'PyramidKV',
  about: 'As SnapKV, with more tokens in the lower layers and fewer in the upper ones.',
  source: 'arXiv:2406.02069',
  layerBudgets: ({ budget, layers, length }) => {
    const window = snapKvWindow(budget);
    return pyramidKvBudgets({ maxCapacity: budget, window, layers, length }).map((kept) => kept + window);
  },
};
