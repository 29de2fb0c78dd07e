/** What the model's card says, in words and rows. */
import { formatNumber, formatValue } from '../charts/format.ts';
import { KV_FORMATS, type KvFormat } from '../core/kv/formats.ts';
import type { ModelConfig } from '../engine/config.ts';
import { CARD_BLOCK_SIZE, sequencesThatFit } from '../lab/model/facts.ts';
import type { GenerationUpdate, ModelFacts } from '../workers/model-api.ts';

/** `Llama-shaped, 2 layers of width 96`. */
export function shapeSentence({ family, layers, hidden, queryHeads, kvHeads, headDim }: ModelConfig): string {
  const heads =
    queryHeads === kvHeads
      ? `${queryHeads} heads of ${headDim}`
      : `${queryHeads} query heads over ${kvHeads} KV heads of ${headDim}`;
  return `${family}: ${layers} ${layers === 1 ? 'layer' : 'layers'} of width ${hidden}, ${heads}`;
}

/** `4.86 × 10⁵` is no way to say a model's size: 486 thousand, 1.24 billion. */
export function parametersText(parameters: number): string {
  const sizes = [
    { least: 1e9, name: 'billion' },
    { least: 1e6, name: 'million' },
    { least: 1e3, name: 'thousand' },
  ];
  const size = sizes.find(({ least }) => parameters >= least);
  return size === undefined ? String(parameters) : `${formatNumber(parameters / size.least)} ${size.name}`;
}

export interface FormatRow {
  readonly format: KvFormat;
  readonly bytesPerToken: number;
  /** Sequences of each length of `fitLengths` that the pool holds. */
  readonly fits: readonly number[];
}

/** Lengths of which the card says how many fit: up to what the model reads. */
export function fitLengths({ maxPositionTokens }: ModelConfig): readonly number[] {
  const lengths = [128, 512, 2048, 8192, 32_768].filter((length) => length < maxPositionTokens);
  return [...lengths, maxPositionTokens].slice(-3);
}

export function formatRows({ config, kvBytesPerToken, poolBytes }: ModelFacts): readonly FormatRow[] {
  return KV_FORMATS.map((format) => ({
    format,
    bytesPerToken: kvBytesPerToken[format],
    fits: fitLengths(config).map((length) =>
      sequencesThatFit(config, format, poolBytes, length, CARD_BLOCK_SIZE),
    ),
  }));
}

export const FINISHED_WORDS: Readonly<Record<GenerationUpdate['tokens'][number]['finished'], string>> = {
  no: 'goes on',
  length: 'reached its length',
  stop: 'ended by itself',
  cancelled: 'stopped',
};

/** Mean milliseconds between tokens after the first; null with fewer than two. */
export function meanGapMs(timesMs: readonly number[]): number | null {
  const [first, last] = [timesMs[0], timesMs.at(-1)];
  if (first === undefined || last === undefined || timesMs.length < 2) return null;
  return (last - first) / (timesMs.length - 1);
}

/** One line under a sequence: how many tokens, how fast. */
export function paceSentence(timesMs: readonly number[]): string {
  const first = timesMs[0];
  if (first === undefined) return 'No token yet.';
  const tokens = `${timesMs.length} ${timesMs.length === 1 ? 'token' : 'tokens'}`;
  const gap = meanGapMs(timesMs);
  const after = gap === null ? '' : `, then one every ${formatValue(gap, 'ms')}`;
  return `${tokens}; the first after ${formatValue(first, 'ms')}${after}.`;
}
