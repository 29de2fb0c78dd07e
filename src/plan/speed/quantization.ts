/**
 * What each format of the weights, and of the KV cache apart from them, takes and gives: memory, speed, quality with its
 * origin, and whether the GPU and the engine have it at all.
 *
 * Boundary: one replica of a candidate with everything else left as it is, the batch too, where it fits; so a row's speed
 * is what the format itself changes. What the freed memory could be used for is in `sequences`.
 */
import type { PlanFormat } from '../../core/run/plan.ts';
import { capacityOf, memoryFits } from '../memory/index.ts';
import { qualityOf } from '../quality.ts';
import { noKv, noWeights, releasedWeights } from '../support.ts';
import type { Candidate, LoadLengths, PlanSubject } from '../types.ts';
import { steadyLoad } from './estimate.ts';
import { createSpeed } from './speed.ts';

const WEIGHT_FORMATS = ['bf16', 'fp8', 'int8', 'int4'] as const;
const KV_FORMATS = ['bf16', 'fp8', 'int8', 'int4'] as const;

type Format = (typeof WEIGHT_FORMATS)[number];

export type QuantizationRow = PlanFormat;

const LABELS: Record<Format, QuantizationRow['label']> = {
  bf16: 'fp16',
  fp8: 'fp8',
  int8: 'int8',
  int4: 'int4',
};

const USES: Record<QuantizationRow['part'], Record<Format, string>> = {
  weights: {
    bf16: 'The reference: as released, nothing to calibrate.',
    fp8: 'Half the memory and twice the arithmetic; the first choice where the GPU has it.',
    int8: 'Half the memory; arithmetic gains where activations are eight bits too.',
    int4: 'A quarter of the memory, for models that do not fit and for few requests at once; arithmetic stays in 16 bits.',
  },
  kv: {
    bf16: 'The reference: keys and values as computed.',
    fp8: 'Twice the tokens in the same memory, less to read at long contexts.',
    int8: 'Twice the tokens, with a scale a token and head.',
    int4: 'Four times the tokens, for long contexts where some loss is accepted.',
  },
};

/** @param batch requests in flight that are asked for; fewer where the pool holds fewer */
export function quantizationTable(
  candidate: Candidate,
  subject: PlanSubject,
  lengths: LoadLengths,
  batch: number,
): readonly QuantizationRow[] {
  const { choice } = candidate;
  const rowsOf = <F extends Format>(part: QuantizationRow['part'], formats: readonly F[]) => {
    const rows = formats.map((format) => {
      const changed = part === 'weights' ? { ...choice, weights: format } : { ...choice, kvFormat: format };
      return rowOf(part, format, { ...candidate, choice: changed }, subject, lengths, batch);
    });
    const reference = rows.find(({ format }) => format === 'bf16')?.outputTokensPerSecond ?? null;
    return rows.map((row) => ({ ...row, speedup: ratio(row.outputTokensPerSecond, reference) }));
  };
  return [...rowsOf('weights', WEIGHT_FORMATS), ...rowsOf('kv', KV_FORMATS)];
}

function ratio(value: number | null, reference: number | null): number | null {
  return value === null || reference === null || reference === 0 ? null : value / reference;
}

function rowOf(
  part: QuantizationRow['part'],
  format: Format,
  candidate: Candidate,
  subject: PlanSubject,
  lengths: LoadLengths,
  asked: number,
): QuantizationRow {
  const { choice, gpu } = candidate;
  const unsupported =
    part === 'weights' ? noWeights(gpu, choice.engine, format) : noKv(gpu, choice.engine, format);
  const row: PlanFormat = {
    part,
    format,
    label: LABELS[format],
    unsupported: unsupported === null ? null : `No hardware support: ${unsupported}.`,
    quality: qualityOf(
      subject,
      part === 'weights'
        ? { weights: format, kvFormat: 'bf16' }
        : { weights: releasedWeights(subject.model), kvFormat: format },
    ),
    use: USES[part][format],
    weightsBytes: null,
    kvBytesPerToken: null,
    sequences: null,
    batch: null,
    tpotMs: null,
    prefillMs: null,
    outputTokensPerSecond: null,
    speedup: null,
  };
  if (unsupported !== null) return row;
  const { terms, kvTokens, kvBytesPerToken } = capacityOf(candidate, subject);
  const sized = { ...row, weightsBytes: terms.weights, kvBytesPerToken };
  if (!memoryFits(candidate, subject)) return sized;
  const load = steadyLoad(lengths);
  const sequences = Math.floor(kvTokens / Math.max(1, load.promptTokens + load.outputTokens));
  const batch = Math.max(1, Math.min(asked, sequences));
  const speed = createSpeed(candidate, subject.model, { calibration: subject.calibration });
  const tpotMs = speed.steadyTpotMs(batch, load);
  const e2eMs = speed.steadyTtftMs(batch, load) + Math.max(0, load.outputTokens - 1) * tpotMs;
  return {
    ...sized,
    sequences,
    batch,
    tpotMs,
    prefillMs: speed.prefillMs(load.promptTokens),
    outputTokensPerSecond: (1000 * batch * load.outputTokens) / e2eMs,
  };
}
