// Bindings and positions that every decode-attention kernel shares. Binding numbers are fixed; variants leave some out.

struct Params {
  tableStride: u32,     // words of one block table row
  tableHeads: u32,      // 1, or kvHeads where each head has its own table and length
  splits: u32,
  tokensPerSplit: u32,
  windowTokens: u32,    // 0: everything is visible
  sinkTokens: u32,
  scoreStride: u32,     // tokens of one row of `scores`
  firstSequence: u32,   // a large launch is several dispatches
  firstSplit: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> pool: array<${POOL_TYPE}>;
@group(0) @binding(3) var<storage, read> contextLengths: array<u32>;
// [batch * queryHeads][splits][headDim]: each split's own weighted mean of V
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;
// [batch * queryHeads][splits]: log2 of each split's sum of 2^score
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;
//!if PAGED
@group(0) @binding(6) var<storage, read> blockTable: array<u32>;
//!end
//!if SCORES
@group(0) @binding(7) var<storage, read_write> scores: array<f32>;
//!end
//!if INT2
@group(0) @binding(8) var<storage, read> residual: array<u32>;
@group(0) @binding(9) var<storage, read> residualSlots: array<u32>;
//!end

const NONE = -3.0e38;
const BLOCK_SIZE = ${BLOCK_SIZE}u;

/** Tokens that the query sees: all of them, or the sinks and the window. */
fn visible_tokens(length: u32) -> u32 {
//!if WINDOWED
  return select(length, min(length, params.windowTokens + params.sinkTokens), params.windowTokens > 0u);
//!else
  return length;
//!end
}

/** Position of the i-th visible token. */
fn position_of(i: u32, hidden: u32) -> u32 {
//!if WINDOWED
  return i + select(0u, hidden, i >= params.sinkTokens);
//!else
  return i;
//!end
}

fn block_of(row: u32, position: u32) -> u32 {
  let at = row * params.tableStride + position / BLOCK_SIZE;
//!if PAGED
  return blockTable[at];
//!else
  return at;
//!end
}

/** First word of a head's keys in a block, its parameters first. */
fn keys_of(block: u32, kvHead: u32) -> u32 {
  return block * ${BLOCK_WORDS}u + kvHead * ${K_REGION_WORDS}u;
}

fn values_of(block: u32, kvHead: u32) -> u32 {
  return block * ${BLOCK_WORDS}u + ${KV_HEADS * K_REGION_WORDS}u + kvHead * ${V_REGION_WORDS}u;
}

/** Index in `pool`, in units of one load, of a slot's row. */
fn row_unit(rows: u32, slot: u32) -> u32 {
  return (rows + slot * ${ROW_WORDS}u) / ${LOAD_WORDS}u;
}

/** One u32 of the pool, whatever the width of its binding. */
fn pool_word(at: u32) -> u32 {
//!if LOAD_WORDS == 1
  return pool[at];
//!else
  return pool[at / ${LOAD_WORDS}u][at % ${LOAD_WORDS}u];
//!end
}

// The values of a word's part in raw form (kv_load.wgsl); `part` is a constant.
//!if FORMAT == f32
fn raw_part(word: u32, part: u32) -> array<f32, 1> { return array<f32, 1>(bitcast<f32>(word)); }
//!end
//!if FORMAT == f16
fn raw_part(word: u32, part: u32) -> vec2<f32> { return unpack2x16float(word); }
//!end
//!if FORMAT == fp8-e4m3
fn raw_part(word: u32, part: u32) -> vec4<f32> { return kv_raw_e4m3(word); }
//!end
//!if FORMAT == fp8-e5m2
fn raw_part(word: u32, part: u32) -> vec4<f32> { return kv_e5m2(word); }
//!end
//!if FORMAT == int8
fn raw_part(word: u32, part: u32) -> vec4<f32> { return kv_raw_int8(word); }
//!end
//!if FORMAT == int4
fn raw_part(word: u32, part: u32) -> vec4<f32> { return kv_raw_int4(word, part); }
//!end
//!if FORMAT == int2
fn raw_part(word: u32, part: u32) -> vec4<f32> { return kv_raw_int2(word, part); }
//!end
