/** From a cell to the engine that holds its cache, and what a token of it costs in bytes. */
import { POLICIES } from '../../core/eviction/policies.ts';
import { channelGroup, kvLayout, type KvFormat } from '../../core/kv/formats.ts';
import { isEmulated, type QualityCell } from '../../core/scenario/quality/cells.ts';
import type { QualityScenario } from '../../core/scenario/quality/schema.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { cacheHeadDim } from '../../engine/weights-types.ts';
import { UnsupportedError } from '../errors.ts';
import { textTokens } from './tasks.ts';

/** Rows of one step: many on a GPU; fewer on the processor, so that a cancel is heard soon. */
const STEP_TOKENS = { gpu: 4096, software: 256 } as const;
/** Prompts of emulated cells are computed whole, so that groups of tokens are not cut. */
const MOST_WHOLE_TOKENS = { gpu: 8192, software: 1024 } as const;
const CONTEXT_STEP = 64;

/** Tokens of the longest sequence of a scenario. */
export function longestTokens({ recall, text, speed }: QualityScenario['tasks']): number {
  const asks = recall.samples > 0 && recall.distances.length > 0;
  const timed = speed.sequences > 0 ? text.promptTokens + speed.tokens : 0;
  return Math.max(asks ? recall.contextTokens : 0, textTokens(text), timed);
}

/** @throws UnsupportedError where the model does not read so many tokens */
export function engineSettings(
  scenario: QualityScenario,
  cell: QualityCell,
  config: ModelConfig,
  isFallback: boolean,
): EngineSettings {
  const { engine, tasks } = scenario;
  const longest = longestTokens(tasks);
  if (longest > config.maxPositionTokens) {
    throw new UnsupportedError(
      `The longest sequence has ${longest} tokens and ${config.name} reads ${config.maxPositionTokens}; lower tasks.recall.contextTokens or tasks.text.promptTokens.`,
    );
  }
  const maxContextTokens = Math.min(
    config.maxPositionTokens,
    Math.ceil(longest / CONTEXT_STEP) * CONTEXT_STEP,
  );
  const emulated = isEmulated(cell);
  const adapter = isFallback ? 'software' : 'gpu';
  const sequences = emulated
    ? Math.max(1, Math.min(engine.sequences, Math.floor(MOST_WHOLE_TOKENS[adapter] / maxContextTokens)))
    : engine.sequences;
  return {
    kvFormat: emulated ? 'f32' : cell.kFormat,
    blockSize: engine.blockSize,
    numBlocks: sequences * (Math.ceil(maxContextTokens / engine.blockSize) + 1) + 1,
    maxSequences: sequences,
    tokenBudget: emulated ? sequences * maxContextTokens : Math.max(STEP_TOKENS[adapter], sequences),
    longPrefillTokens: 0,
    maxContextTokens,
    prefixCaching: false,
    layout: 'paged',
    tier: engine.tier,
    // A window is the model's own business: see windowed().
    eviction: { policy: cell.policy === 'window' ? 'none' : cell.policy, budgetTokens: cell.budget ?? 0 },
    residualTokens: engine.residualTokens,
    offload: 'none',
    hostBytes: 0,
    shuffleSeed: 0,
  };
}

/** The model as a cell runs it: a plain window is a model that sees no further. */
export function windowed(config: ModelConfig, { policy, budget }: QualityCell): ModelConfig {
  return policy === 'window' && budget !== null ? { ...config, windowTokens: budget } : config;
}

/** Bytes of K or V of one token in one layer of a pool of that format. */
function partBytes(format: KvFormat, part: 'k' | 'v', config: ModelConfig, blockSize: number): number {
  const shape = { kvHeads: config.kvHeads, headDim: cacheHeadDim(config), blockSize };
  return (shape.kvHeads * kvLayout(format, shape)[part].regionWords * 4) / blockSize;
}

/** Bytes of one kept token over all layers, by the formats' own arithmetic. */
export function bytesPerToken(
  { kFormat, vFormat, policy, variant }: QualityCell,
  config: ModelConfig,
  blockSize: number,
): number {
  const headDim = cacheHeadDim(config);
  const value = partBytes(vFormat, 'v', config, blockSize);
  const groupOf = { token: channelGroup(headDim), channel: 32 } as const;
  const key =
    variant === null
      ? partBytes(kFormat, 'k', config, blockSize)
      : (config.kvHeads * headDim * (variant.bits + 32 / groupOf[variant.axis])) / 8;
  // Quest keeps the least and the greatest key of each block in f32.
  const bounds = policy === 'quest' ? (config.kvHeads * headDim * 2 * 4) / blockSize : 0;
  return config.layers * (key + value + bounds);
}

/** Share of a context that a cell keeps. */
export function keptShare({ policy, budget }: QualityCell, contextTokens: number): number {
  if (budget === null || (policy !== 'window' && !POLICIES[policy].frees)) return 1;
  return Math.min(1, budget / contextTokens);
}
