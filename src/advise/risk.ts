/** What a change costs in quality: measured by an experiment that was given, else as published; formats alone can cost any. */
import type { Json } from '../core/json.ts';
import { qualityRows } from '../core/metrics/quality/rows.ts';
import { findAnyModel } from '../core/model/catalogue.ts';
import type { QualityRun } from '../core/run/schema.ts';
import type { SimScenario } from '../core/scenario/simulate/schema.ts';
import { qualityOf } from '../plan/quality.ts';
import type { Risk } from './types.ts';

export const SAME_OUTPUTS: Risk = {
  lossPercent: 0,
  origin: null,
  sentence: 'None for the outputs: no number of the model or of its KV cache is rounded another way.',
};

/** Formats of the simulator as the engine of the quality lab names them. */
const LAB_FORMATS: Readonly<Record<string, string>> = {
  bf16: 'f16',
  fp8: 'fp8-e4m3',
  int8: 'int8',
  int4: 'int4',
  int2: 'int2',
};

function measuredLoss(format: string, runs: readonly QualityRun[]): Risk | null {
  const wanted = LAB_FORMATS[format] ?? format;
  for (const run of runs) {
    const row = qualityRows(run).find(
      ({ kFormat, vFormat, policy }) => kFormat === wanted && vFormat === wanted && policy === 'none',
    );
    if (row?.klDivergence == null) continue;
    const top =
      row.top1Agreement === null
        ? ''
        : `, the same most probable token ${(100 * row.top1Agreement).toFixed(1)} times of 100`;
    return {
      lossPercent: row.top1Agreement === null ? null : 100 * (1 - row.top1Agreement),
      origin: 'measured',
      sentence: `Measured here on ${run.model.name} (“${run.title}”): ${format} KV has a KL divergence of ${Number(row.klDivergence.toPrecision(3))} from the full cache${top}.`,
    };
  }
  return null;
}

function published(before: SimScenario, after: SimScenario): Risk {
  const model = findAnyModel(after.model);
  if (!model) {
    return {
      lossPercent: null,
      origin: null,
      sentence: 'What the format costs this model is not known; measure it in the quality lab.',
    };
  }
  const loss = qualityOf({ model }, { weights: after.engine.weights, kvFormat: after.engine.kvFormat });
  const was = qualityOf({ model }, { weights: before.engine.weights, kvFormat: before.engine.kvFormat });
  const lossPercent =
    loss.lossPercent === null || was.lossPercent === null
      ? null
      : Math.max(0, loss.lossPercent - was.lossPercent);
  const gained = loss.lossPercent === 0 && was.lossPercent !== 0;
  if (gained) {
    const back = was.lossPercent === null ? 'what the format cost' : `${was.lossPercent} %`;
    return {
      lossPercent: 0,
      origin: was.origin,
      sentence: `None: quality comes back, ${back} (${was.source})`,
    };
  }
  const sentence =
    lossPercent === null
      ? `Not known as a number: ${loss.source}`
      : `${Number(lossPercent.toPrecision(2))} % lost, ${loss.origin}: ${loss.source}`;
  return { lossPercent, origin: loss.origin, sentence };
}

export function riskOf(
  before: SimScenario,
  after: SimScenario,
  settings: Readonly<Record<string, Json>>,
  runs: readonly QualityRun[],
): Risk {
  const formats = ['engine.kvFormat', 'engine.weights'].filter((path) => path in settings);
  if (formats.length === 0) return SAME_OUTPUTS;
  const kv = settings['engine.kvFormat'];
  const measured =
    typeof kv === 'string' && formats.length === 1 && kv !== 'bf16' ? measuredLoss(kv, runs) : null;
  return measured ?? published(before, after);
}

/** Of a format of the laboratory's own engine, whose model is a shape: only a measurement says anything. */
export function formatRisk(format: string, runs: readonly QualityRun[]): Risk {
  if (format === 'f32' || format === 'f16') return SAME_OUTPUTS;
  return (
    measuredLoss(format, runs) ?? {
      lossPercent: null,
      origin: null,
      sentence: `What ${format} costs in quality was not measured here; run a quality experiment with it.`,
    }
  );
}
