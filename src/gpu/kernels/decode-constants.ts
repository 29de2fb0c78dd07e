/** Template constants of the decode-attention kernels, derived from a configuration and a tuning. */
import { channelGroup, tokenGroup, type KvLayout } from '../../core/kv/formats.ts';
import type { Gpu } from '../context.ts';
import type { ShaderConstants } from '../shader.ts';
import type { PagedDecodeConfig } from './decode-config.ts';
import { f32Literal, layoutConstants, RAW_FORMS } from './layout-constants.ts';
import type { DecodeTier, DecodeTuning } from './tuning.ts';

const LOG2_E = 1.4426950408889634;

const POOL_TYPES: Readonly<Record<number, string>> = { 1: 'u32', 2: 'vec2<u32>', 4: 'vec4<u32>' };

export function decodeConstants(
  gpu: Gpu,
  config: PagedDecodeConfig,
  layout: KvLayout,
  tier: DecodeTier,
  tuning: DecodeTuning,
): ShaderConstants {
  const { format, headDim, blockSize, queryHeads, kvHeads } = config;
  const raw = RAW_FORMS[format];
  const grouped = format === 'int4' || format === 'int2';
  const group = channelGroup(headDim);
  return {
    ...layoutConstants(layout),
    ...shapeOfLoads(layout, tuning),
    ...(tier === 'subgroups' ? subgroupTeams(gpu, tuning) : sharedTeams(tuning)),
    ...scatterConstants(tuning, queryHeads / kvHeads),
    PAGED: config.layout === 'paged',
    SCORES: config.emitScores === true,
    WINDOWED: config.windowed === true,
    INT2: format === 'int2',
    QUERY_HEADS: queryHeads,
    GROUP: queryHeads / kvHeads,
    HOIST: tuning.hoist || format === 'int2',
    SEGMENT: format === 'int2' ? tokenGroup(blockSize) : blockSize,
    RING: config.residualTokens ?? 0,
    PARTS: raw.parts,
    PART_ELEMENTS: raw.partElements,
    // Row formats fold the gain into the query and the weights; grouped ones gain and bias into scale and minimum.
    Q_SCALE: f32Literal((LOG2_E / Math.sqrt(headDim)) * (grouped ? 1 : raw.gain)),
    GAIN: f32Literal(raw.gain),
    BIAS: f32Literal(raw.bias),
    ROW_SCALED: layout.v.params === 'row',
    KEY_GROUPED: layout.k.params === 'row-group',
    VALUE_GROUPED: layout.v.params === 'row-group',
    PAIRS: grouped ? headDim / group : 0,
    PAIR_UNITS: grouped ? (group * layout.bits) / 32 / tuning.loadWords : 0,
  };
}

/** A row is `ROW_UNITS` loads; each lane takes every LANES-th, CHUNKS in all; the last chunk may be ragged. */
function shapeOfLoads(layout: KvLayout, { lanes, loadWords }: DecodeTuning): ShaderConstants {
  const units = layout.v.rowWords / loadWords;
  const chunks = Math.ceil(units / lanes);
  const unitElements = (32 / layout.bits) * loadWords;
  return {
    POOL_TYPE: POOL_TYPES[loadWords] ?? 'u32',
    LOAD_WORDS: loadWords,
    ROW_UNITS: units,
    CHUNKS: chunks,
    RAGGED_FROM: units % lanes === 0 ? chunks : chunks - 1,
    // Elements of one load, and of all loads of one lane.
    WORD_ELEMENTS: unitElements,
    ELEMENTS: chunks * unitElements,
  };
}

/** Teams of lanes; those of one subgroup (of the smallest size the device may run) join by shuffles. */
function subgroupTeams(gpu: Gpu, tuning: DecodeTuning): ShaderConstants {
  const { lanes, workgroup, tokens } = tuning;
  const subgroup = Math.max(lanes, Math.min(workgroup, gpu.features.subgroupMinSize));
  return {
    LANES: lanes,
    LANE_STEPS: Math.log2(lanes),
    TEAMS: workgroup / lanes,
    SUBGROUP_TEAMS: subgroup / lanes,
    SUBGROUP_COUNT: workgroup / subgroup,
    WORKGROUP: workgroup,
    TOKENS: tokens,
    TEAM_TOKENS: (workgroup / lanes) * tokens,
    RESCALES: 1,
    PREFETCH: tuning.prefetchValues,
  };
}

/** Recursive halving of TOKENS · GROUP sums over the lanes: HALF_x of them stay after step x. */
function scatterConstants({ lanes, tokens, scatter }: DecodeTuning, group: number): ShaderConstants {
  const sums = tokens * group;
  const halves = [0, 1, 2, 3, 4].map((x) => [`HALF_${x}`, Math.floor(sums / 2 ** (x + 1))] as const);
  return {
    SCATTER: scatter,
    OWNED: Math.max(1, sums / lanes),
    TOKEN_STEPS: Math.log2(tokens),
    ...Object.fromEntries(halves),
  };
}

/** Without subgroups each team joins through shared memory; a tile is what the teams take between two barriers. */
function sharedTeams({ lanes, workgroup, tokens }: DecodeTuning): ShaderConstants {
  const teams = workgroup / lanes;
  return {
    LANES: lanes,
    TEAMS: teams,
    SUBGROUP_TEAMS: 1,
    SUBGROUP_COUNT: teams,
    WORKGROUP: workgroup,
    // The unrolled pieces see one token at a time; the loop over a team's tokens of a tile is not unrolled.
    TOKENS: 1,
    TEAM_TOKENS: 1,
    TILE_STEPS: tokens,
    TILE: teams * tokens,
    RESCALES: 0,
    PREFETCH: false,
  };
}
