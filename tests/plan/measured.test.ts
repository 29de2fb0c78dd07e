/**
 * Plans against measured serving results, from the scenario to the answer: what `kvlab plan` says of a server that somebody
 * ran. How the step times come about is tests/plan/speed's.
 */
import { describe, expect, test } from 'vitest';
import { MEASURED_FILE } from '../../bench/speed/report.ts';
import type { MeasuredRow } from '../../bench/speed/rows.ts';
import { runPlan } from '../../src/plan/index.ts';
import { referenceText, whyNoReferenceData } from '../reference-data.ts';
import { plan } from './support.ts';

const why = whyNoReferenceData(MEASURED_FILE);
/** Clients beyond which the rows contradict each other (bench/speed/rows.ts). */
const MOST_CLIENTS = 400;

function predicted(row: MeasuredRow): number | null {
  const weights = row.precision === 'fp8' ? 'fp8' : 'bf16';
  const run = runPlan(
    plan({
      model: row.model,
      hardware: { gpu: row.gpu.replace('_', '-'), tensorParallel: row.tp, count: row.num_gpus },
      engine: { name: row.engine === 'trtllm' ? 'tensorrt-llm' : 'vllm', weights },
      load: {
        concurrency: row.concurrency,
        promptTokens: { kind: 'fixed', tokens: row.isl },
        outputTokens: { kind: 'fixed', tokens: row.osl },
      },
    }),
  );
  return run.deployment?.speed?.tpotMs ?? null;
}

describe.skipIf(why)(`measured serving results ${why ?? ''}`, () => {
  const rows: MeasuredRow[] = why === null ? JSON.parse(referenceText(MEASURED_FILE)).rows : [];
  const dense = rows.filter(
    ({ model, tpot_ms, concurrency }) =>
      /Llama-3\.1-(8B|70B)/.test(model) && tpot_ms !== undefined && Number(concurrency) <= MOST_CLIENTS,
  );

  test.each(['8B', '70B'])('the time per output token of Llama-3.1-%s is within 10 % on the mean', (size) => {
    const own = dense.filter(({ model }) => model.includes(size));
    expect(own.length).toBeGreaterThan(100);
    const errors = own.map((row) => Math.abs((predicted(row) ?? Infinity) / (row.tpot_ms ?? 1) - 1));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.1);
  });
});
