/** Hard inputs for decode attention: outlier channels, shuffled blocks, NaN in every slot that may not be read. */
import { encodeKeyGroup, encodeRow } from '../../../src/core/kv/encode.ts';
import { kvLayout, tokenGroup, type KvFormat } from '../../../src/core/kv/formats.ts';
import { packF16Pair } from '../../../src/core/kv/small-float.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { DecodeTwinArgs } from '../../../src/gpu/kernels/decode.twin.ts';

export interface DecodeCase {
  readonly format: KvFormat;
  readonly headDim: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly blockSize: number;
  readonly layout: 'paged' | 'contiguous';
  /** Tokens of each sequence; with per-head tables [batch][kvHeads]. */
  readonly lengths: readonly number[];
  readonly perHead?: boolean;
  readonly windowTokens?: number;
  readonly sinkTokens?: number;
  /** Tokens of the f16 ring of int2. */
  readonly residualTokens?: number;
  /** Blocks in order instead of shuffled. */
  readonly ordered?: boolean;
}

export interface DecodeInputs extends DecodeTwinArgs {
  readonly query: Float32Array;
  readonly contextLengths: Uint32Array;
  readonly contextTokens: number;
}

/** Stale contents: NaN as f32, as f16 and as a scale. */
const POISON = 0x7fff_7fff;

/** The same case and seed give the same keys, values and query, whatever the order of the blocks. */
export function makeInputs(test: DecodeCase, seed = 1): DecodeInputs {
  const { queryHeads, headDim, lengths, kvHeads, blockSize } = test;
  const layout = kvLayout(test.format, test);
  const tableHeads = test.perHead ? kvHeads : 1;
  const batch = lengths.length / tableHeads;
  const random = createRandom(seed);
  const contextTokens = Math.max(1, ...lengths);
  const tableStride = Math.ceil(contextTokens / blockSize);
  const numBlocks = lengths.length * tableStride;
  const ids = Array.from({ length: numBlocks }, (_, i) => i);
  const shuffle = test.layout === 'paged' && !test.ordered;
  const blockTable = Uint32Array.from(shuffle ? random.fork('blocks').shuffled(ids) : ids);
  const residualTokens = test.residualTokens ?? 0;
  const slots = Uint32Array.from({ length: batch }, (_, b) => batch - 1 - b);
  const ringWords = batch * 2 * kvHeads * residualTokens * (headDim / 2);
  const words = new Uint32Array(ringWords).fill(POISON);
  const inputs: DecodeInputs = {
    layout,
    queryHeads,
    batch,
    query: Float32Array.from({ length: batch * queryHeads * headDim }, () => random.normal()),
    pool: new Uint32Array(numBlocks * layout.blockWords).fill(POISON),
    blockTable: test.layout === 'paged' ? blockTable : null,
    tableStride,
    tableHeads,
    contextLengths: Uint32Array.from(lengths),
    contextTokens,
    windowTokens: test.windowTokens ?? 0,
    sinkTokens: test.sinkTokens ?? 0,
    ...(residualTokens > 0 ? { residual: { words, slots, tokens: residualTokens } } : {}),
  };
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < kvHeads; h++) fillHead(inputs, random.fork(`${b} ${h}`), b, h);
  }
  return inputs;
}

function fillHead(inputs: DecodeInputs, random: Random, sequence: number, kvHead: number): void {
  const { tableHeads = 1, windowTokens = 0, sinkTokens = 0, layout, residual } = inputs;
  const row = sequence * tableHeads + (tableHeads > 1 ? kvHead : 0);
  const length = inputs.contextLengths[row] ?? 0;
  const { headDim } = layout.shape;
  const outlier = random.below(headDim);
  const draw = (): Float64Array =>
    Float64Array.from({ length: headDim }, (_, c) => random.normal() * (c === outlier ? 20 : 1));
  const keys = Array.from({ length }, draw);
  const values = Array.from({ length }, draw);
  const hidden = (t: number): boolean => windowTokens > 0 && t >= sinkTokens && t < length - windowTokens;
  const place = { inputs, sequence, row, kvHead };
  const ring = residual?.tokens ?? 0;
  const quantizedKeys = ring > 0 ? Math.floor(length / ring) * ring : length;
  const quantizedValues = ring > 0 ? Math.max(0, length - ring) : length;
  for (let t = 0; t < length; t++) {
    if (hidden(t)) continue;
    if (t >= quantizedKeys) writeRing(place, 0, t, keys[t] ?? []);
    else if (ring === 0) encodeRow(inputs.pool, layout, 'k', kvHead, slotOf(place, t), keys[t] ?? []);
    if (t >= quantizedValues) writeRing(place, 1, t, values[t] ?? []);
    else encodeRow(inputs.pool, layout, 'v', kvHead, slotOf(place, t), values[t] ?? []);
  }
  const group = tokenGroup(layout.shape.blockSize);
  for (let t = 0; ring > 0 && t < quantizedKeys; t += group) {
    const flat = keys.slice(t, t + group).flatMap((key) => [...key]);
    encodeKeyGroup(inputs.pool, layout, kvHead, slotOf(place, t), flat);
  }
}

interface HeadPlace {
  readonly inputs: DecodeInputs;
  readonly sequence: number;
  readonly row: number;
  readonly kvHead: number;
}

function slotOf({ inputs, row }: HeadPlace, position: number): number {
  const { blockSize } = inputs.layout.shape;
  const at = row * inputs.tableStride + Math.floor(position / blockSize);
  return (inputs.blockTable ? (inputs.blockTable[at] ?? 0) : at) * blockSize + (position % blockSize);
}

function writeRing(place: HeadPlace, part: 0 | 1, position: number, row: ArrayLike<number>): void {
  const { residual, layout } = place.inputs;
  if (!residual) return;
  const { headDim, kvHeads } = layout.shape;
  const slot = ((residual.slots[place.sequence] ?? 0) * 2 + part) * kvHeads + place.kvHead;
  const at = (slot * residual.tokens + (position % residual.tokens)) * (headDim / 2);
  for (let c = 0; c < headDim; c += 2) residual.words[at + c / 2] = packF16Pair(row[c] ?? 0, row[c + 1] ?? 0);
}
