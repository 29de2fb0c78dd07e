/** Grams of CO₂e of a kilowatt-hour by grid. */
import { PlanError } from './error.ts';

export interface Grid {
  readonly gramsPerKwh: number;
  readonly source: string;
}

const GRIDS: Readonly<Record<string, Grid>> = {
  global: { gramsPerKwh: 473, source: 'world 2024, Ember Global Electricity Review 2025' },
};

/** @throws PlanError for a region without a figure */
export function gridOf(region: string): Grid {
  const grid = GRIDS[region];
  if (grid) return grid;
  throw new PlanError(
    `prices.grid is “${region.slice(0, 40)}”, for which there is no figure; choose one of ${Object.keys(GRIDS).join(', ')}.`,
  );
}
