/** Quality and carbon come from rows with a source, or are absent. */
import { expect, test } from 'vitest';
import { findModelRecord, GRIDS, lossOf, QUALITY_ROWS, qualityOf, runPlan } from '../../src/plan/index.ts';
import { plan } from './support.ts';

function subject(name: string) {
  const record = findModelRecord(name);
  if (!record.ok) throw new Error(record.sentence);
  return { model: record.value };
}

test('every row has a source and a loss of less than a tenth', () => {
  for (const row of QUALITY_ROWS) {
    expect(row.source.length).toBeGreaterThan(10);
    expect(lossOf(row)).toBeLessThan(10);
  }
});

test('a model of the table gets its own row, another the nearest in size, and says so', () => {
  const own = qualityOf(subject('llama-3.1-70b'), { weights: 'int4', kvFormat: 'bf16' });
  expect(own).toMatchObject({ lossPercent: 0.17, origin: 'published' });
  const other = qualityOf(subject('qwen3-8b'), { weights: 'int4', kvFormat: 'bf16' });
  expect(other).toMatchObject({ lossPercent: 2.52, origin: 'assumed' });
  expect(other.source).toContain('measured on llama-3.1-8b, not on this model');
});

test('losses of weights and KV add up; what nobody published is absent', () => {
  const model = subject('llama-3.1-8b');
  const loss = (weights: 'int8' | 'bf16', kvFormat: 'int8' | 'bf16' | 'fp8') =>
    qualityOf(model, { weights, kvFormat }).lossPercent;
  expect(loss('bf16', 'bf16')).toBe(0);
  expect(loss('int8', 'int8')).toBeCloseTo((loss('int8', 'bf16') ?? 0) + (loss('bf16', 'int8') ?? 0), 1);
  expect(loss('bf16', 'fp8')).toBeNull();
});

test('a quality floor keeps out what is not known to hold it', () => {
  const run = runPlan(plan({ engine: { kvFormat: 'fp8' }, constraints: { qualityLossPercent: 1 } }));
  expect(run.feasible).toBe(false);
  expect(run.reason).toContain('nobody measured the quality');
});

test('carbon follows the grid', () => {
  const grams = (grid: string) =>
    runPlan(plan({ prices: { grid } })).deployment?.energy?.gramsCo2PerMillionOutputTokens ?? 0;
  expect(grams('poland') / grams('france')).toBeCloseTo(615 / 44, 6);
  expect(new Set(GRIDS.map(({ id }) => id)).size).toBe(GRIDS.length);
});
