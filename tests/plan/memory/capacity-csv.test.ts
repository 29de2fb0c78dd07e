/** The bar: bytes of a token within 0.1 %, token capacity within 3 % in the median of the engine logs that are compared with. */
import { describe, expect, test } from 'vitest';
import { findAnyGpu } from '../../../src/core/hardware/catalogue.ts';
import { findAnyModel } from '../../../src/core/model/catalogue.ts';
import type { PlanChoice } from '../../../src/core/run/plan.ts';
import { capacityOf, defaultUtilization, type Capacity } from '../../../src/plan/memory/index.ts';
import { stepDefaults } from '../../../src/plan/settle.ts';
import { referenceText, whyNoReferenceData } from '../../reference-data.ts';
import { candidate, subject } from './support.ts';

const FILE = 'measured/kv_capacity_measured.csv';
const why = whyNoReferenceData(FILE);
const skipped = why === null ? '' : `: skipped, ${why}`;

/** A row as its text gives it, cells with commas in quotes put together again. */
type Row = Readonly<Record<string, string>>;

function rowsOf(text: string): Row[] {
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => {
    const cells = [...line.matchAll(/("[^"]*"|[^,]*)(?:,|$)/g)].map(([, cell]) => cell ?? '');
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']));
  });
}

const GPUS: readonly (readonly [RegExp, string])[] = [
  [/^L4/, 'l4'],
  [/^RTX 4090/, 'rtx-4090'],
  [/^H100/, 'h100-sxm'],
];

/** vLLM of July 2025, which the row names by its month. */
const MONTHS: Readonly<Record<string, string>> = { '2025-07': '0.9.2' };

/**
 * Nothing is taken from the rows but what the person who starts an engine knows: model, GPU, ranks, share, format, version.
 * Steps are the engine's defaults. Null: the planner has no such format.
 */
function capacityOfRow(row: Row): Capacity | null {
  const kvFormat = row['kv_dtype'];
  if (kvFormat !== 'bf16' && kvFormat !== 'fp8') return null;
  const gpuId = GPUS.find(([pattern]) => pattern.test(row['gpu'] ?? ''))?.[1] ?? '';
  const gpu = findAnyGpu(gpuId);
  const name = (row['model'] ?? '').split(' ')[0] ?? '';
  const model = findAnyModel(name.replace(/-FP8$/, ''));
  if (!gpu || !model) throw new Error(`No record for ${name} on ${gpuId}.`);
  const version =
    MONTHS[/\((\d{4}-\d{2})\)/.exec(row['engine'] ?? '')?.[1] ?? ''] ??
    (row['engine'] ?? '').replace('vLLM ', '');
  const tensorParallel = Number(row['tp']);
  const share = Number(row['gpu_mem_util']);
  const choice: Partial<PlanChoice> = {
    engineVersion: version,
    kvFormat,
    tensorParallel,
    weights: name.endsWith('-FP8') ? 'fp8' : 'bf16',
    memoryUtilization: share > 0 ? share : defaultUtilization('vllm', version, gpu, tensorParallel),
    ...stepDefaults('vllm', gpu),
  };
  return capacityOf({ ...candidate(choice), gpu }, { ...subject(), model });
}

describe.skipIf(why !== null)(`logged capacities${skipped}`, () => {
  const rows = why === null ? rowsOf(referenceText(FILE)) : [];
  const compared = rows.flatMap((row) => {
    const capacity = capacityOfRow(row);
    return capacity === null ? [] : [{ row, capacity }];
  });

  test('all rows but the one in float32, which no planner’s format is', () => {
    expect(compared.length).toBe(rows.length - 1);
  });

  test('bytes of a token are within 0.1 %', () => {
    for (const { row, capacity } of compared) {
      const ours = capacity.kvBytesPerToken;
      expect(Math.abs(ours / Number(row['formula_bytes_per_token']) - 1), row['model']).toBeLessThan(0.001);
    }
  });

  test('tokens are within 3 % in the median', () => {
    const errors = compared.map(({ row, capacity }) => capacity.kvTokens / Number(row['kv_tokens']) - 1);
    const sorted = errors.map(Math.abs).sort((a, b) => a - b);
    const said = errors
      .map((error, i) => `${compared[i]?.row['model']} ${(100 * error).toFixed(2)} %`)
      .join(', ');
    expect(sorted[Math.floor(sorted.length / 2)], said).toBeLessThan(0.03);
  });
});
