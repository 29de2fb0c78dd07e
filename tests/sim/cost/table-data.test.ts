/**
 * Measured tables, point by point: each one that has neighbours on an axis is left out and read off the line between
 * them. What a line errs there is more than what it errs within the table, whose gaps are half as wide.
 */
import { describe, expect, it } from 'vitest';
import { nestRows } from '../../../src/sim/cost/table-axis.ts';
import { csvRows } from '../../../src/sim/cost/table-files.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';

const COLUMNS = ['prefill_chunk', 'kv_prefill', 'n_decode', 'kv_decode', 'time_us'] as const;

/** Rows that differ in one column only, by the others. */
function lines(rows: readonly (readonly number[])[], axis: number): (readonly number[])[][] {
  const groups = new Map<string, (readonly number[])[]>();
  for (const row of rows) {
    const key = row.filter((_, at) => at !== axis && at !== row.length - 1).join();
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => group.sort((a, b) => (a[axis] ?? 0) - (b[axis] ?? 0)));
}

/** Relative errors of points read off their neighbours on one axis. */
function leaveOneOut(rows: readonly (readonly number[])[], axis: number): number[] {
  return lines(rows, axis).flatMap((group) =>
    group.slice(1, -1).map((row, i) => {
      const neighbours = [group[i] ?? row, group[i + 2] ?? row];
      const table = nestRows(neighbours.map((other) => [other[axis] ?? 0, other.at(-1) ?? 0]));
      const reach = { exact: true, outside: false };
      const time = row.at(-1) ?? 1;
      return Math.abs(table.read(new Float64Array([row[axis] ?? 0]), 0, reach) / time - 1);
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

describe.each(['RTX4090__Llama-3.1-8B', 'RTXPRO6000__Llama-3.1-8B'])('%s', (name) => {
  const folder = `profiles/${name}`;
  const missing = whyNoReferenceData(`${folder}/attention.csv`);

  // 3.9 and 4.1 %; a public simulator reports 2.3 to 3.7 % for lines and 11.6 to 14.4 % for lines over logarithms, by a
  // way of leaving out that it does not tell (casys-kaist/LLMServingSim PR 60).
  it.skipIf(missing)(`attention errs by 4.5 %% on average, at most${missing ? `: ${missing}` : ''}`, () => {
    const rows = csvRows('attention.csv', referenceText(`${folder}/attention.csv`), COLUMNS).map((row) =>
      COLUMNS.map((column) => row.number(column)),
    );
    const errors = [0, 1, 2, 3].flatMap((axis) => leaveOneOut(rows, axis));
    expect(errors.length).toBeGreaterThan(10_000);
    expect(mean(errors)).toBeLessThan(0.045);
  });

  // 4.9 %: the median of aiconfigurator's matrix tables.
  it.skipIf(missing)(
    `dense layers err by 4.9 %% at the median, at most${missing ? `: ${missing}` : ''}`,
    () => {
      const rows = csvRows('dense.csv', referenceText(`${folder}/dense.csv`), ['layer', 'tokens', 'time_us']);
      const layers = new Map<string, number[][]>();
      for (const row of rows) {
        const layer = layers.get(row.word('layer')) ?? [];
        layer.push([row.number('tokens'), row.number('time_us')]);
        layers.set(row.word('layer'), layer);
      }
      const errors = [...layers.values()].flatMap((layer) => leaveOneOut(layer, 0));
      expect(errors.length).toBeGreaterThan(1000);
      expect(median(errors)).toBeLessThan(0.049);
    },
  );
});
