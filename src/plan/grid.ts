/**
 * Grams of CO₂e of a kilowatt-hour by grid: grids.json. Yearly means over the whole life of the plants that make it, by
 * Ember as Our World in Data publishes them (carbon-intensity-electricity; 2024, some 2023). Parts of countries come from
 * kv-planner's table, which names no source of its own, and say so.
 */
import * as v from 'valibot';
import { PlanError } from './error.ts';
import rows from './grids.json' with { type: 'json' };

const GridRow = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^[a-z-]+$/)),
  name: v.string(),
  gramsPerKwh: v.pipe(v.number(), v.minValue(1), v.maxValue(2000)),
  year: v.optional(v.number(), 2024),
  source: v.optional(v.string()),
});

export interface Grid {
  readonly id: string;
  readonly name: string;
  readonly gramsPerKwh: number;
  readonly source: string;
}

export const GRIDS: readonly Grid[] = v
  .parse(v.array(GridRow), rows)
  .map(({ id, name, gramsPerKwh, year, source }) => ({
    id,
    name,
    gramsPerKwh,
    source: `${name}, ${gramsPerKwh} g CO₂e a kWh (${source ?? `Ember through Our World in Data, ${year}`})`,
  }));

const BY_ID = new Map(GRIDS.map((grid) => [grid.id, grid]));

/** @throws PlanError for a region without a figure */
export function gridOf(region: string): Grid {
  const grid = BY_ID.get(region.toLowerCase());
  if (grid) return grid;
  throw new PlanError(
    `prices.grid is “${region.slice(0, 40)}”, for which there is no figure; choose one of ${[...BY_ID.keys()].join(', ')}.`,
  );
}
