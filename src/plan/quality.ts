/**
 * What a format costs in quality, with its origin: quality-table.json, one published comparison a row, each of one model
 * with and without the format. A model of the table gets its own row; any other the row of the model nearest in size, which
 * is then an assumption and says so. What nobody published for a format is null, never a constant.
 *
 * Boundary: weights and KV are looked up apart and their losses added. An 8-bit float KV cache has no row: its accuracy is
 * published in words alone. Experiments of the quality lab replace the table where they are given.
 */
import * as v from 'valibot';
import { log2 } from '../core/math.ts';
import { architectureParams } from '../core/model/parameters.ts';
import type { Architecture } from '../core/model/architecture.ts';
import type { PlanChoice, PlanQuality } from '../core/run/plan.ts';
import rows from './quality-table.json' with { type: 'json' };
import { releasedWeights } from './support.ts';
import type { PlanSubject } from './types.ts';

const score = v.pipe(v.number(), v.minValue(0.01), v.maxValue(1000));

export const QualityRow = v.strictObject({
  part: v.picklist(['weights', 'kv']),
  format: v.picklist(['fp8', 'int8', 'int4', 'int2', 'mxfp4']),
  model: v.string(),
  parametersB: v.pipe(v.number(), v.minValue(0.01)),
  /** More is better unless it says otherwise. */
  metric: v.string(),
  before: score,
  after: score,
  source: v.pipe(v.string(), v.minLength(10)),
});
export type QualityRow = v.InferOutput<typeof QualityRow>;

export const QUALITY_ROWS: readonly QualityRow[] = v.parse(v.array(QualityRow), rows);

/** Percent of the metric that is lost; never below 0: what is gained is noise. */
export function lossOf({ metric, before, after }: QualityRow): number {
  const worse = metric.includes('less is better') ? after - before : before - after;
  return Math.max(0, (100 * worse) / before);
}

interface Loss {
  readonly percent: number | null;
  readonly own: boolean;
  readonly source: string;
}

const NONE: Loss = { percent: 0, own: true, source: '' };

function rounded(percent: number): number {
  return Math.round(percent * 100) / 100;
}

/** The row of the model itself, else of the one nearest in size. */
function rowFor(model: Architecture, part: QualityRow['part'], format: string): QualityRow | null {
  const known = QUALITY_ROWS.filter((row) => row.part === part && row.format === format);
  const own = known.find((row) => model.id.startsWith(row.model));
  if (own) return own;
  const size = architectureParams(model).total / 1e9;
  const distance = (row: QualityRow): number => Math.abs(log2(row.parametersB / size));
  return known.reduce<QualityRow | null>(
    (best, row) => (best === null || distance(row) < distance(best) ? row : best),
    null,
  );
}

function partLoss(model: Architecture, part: QualityRow['part'], format: string): Loss {
  const what = `${format} ${part === 'kv' ? 'KV' : 'weights'}`;
  const row = rowFor(model, part, format);
  if (row === null)
    return { percent: null, own: false, source: `nobody published what ${what} cost in quality` };
  const percent = lossOf(row);
  const own = model.id.startsWith(row.model);
  const where = own ? '' : `, measured on ${row.model}, not on this model`;
  return { percent, own, source: `${what}: ${rounded(percent)} % of ${row.metric}${where} (${row.source})` };
}

const CACHE = new WeakMap<Architecture, Map<string, PlanQuality>>();

/** Loss against the model as it was released, with the KV cache in bf16. */
export function qualityOf(
  { model }: Pick<PlanSubject, 'model'>,
  { weights, kvFormat }: Pick<PlanChoice, 'weights' | 'kvFormat'>,
): PlanQuality {
  let known = CACHE.get(model);
  if (!known) CACHE.set(model, (known = new Map()));
  const key = `${weights} ${kvFormat}`;
  let quality = known.get(key);
  if (!quality) known.set(key, (quality = lookUp(model, weights, kvFormat)));
  return quality;
}

function lookUp(model: Architecture, weights: string, kvFormat: string): PlanQuality {
  const released = weights === releasedWeights(model) || weights === 'bf16';
  const parts = [
    released ? NONE : partLoss(model, 'weights', weights),
    kvFormat === 'bf16' ? NONE : partLoss(model, 'kv', kvFormat),
  ];
  const sources = parts.map(({ source }) => source).filter((source) => source !== '');
  if (sources.length === 0) {
    return { lossPercent: 0, origin: 'published', source: 'The formats in which the model was released.' };
  }
  const known = parts.every(({ percent }) => percent !== null);
  return {
    lossPercent: known ? rounded(parts.reduce((sum, { percent }) => sum + (percent ?? 0), 0)) : null,
    origin: known && parts.every(({ own }) => own) ? 'published' : 'assumed',
    source: `${sources.join('; ')}.`.slice(0, 400),
  };
}
