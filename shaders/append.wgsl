// Appends the keys and values of new tokens to their slots of the paged pool, quantizing on the way.
//
//   key, value  f32 [tokens][KV_HEADS][D]
//   slots       i32 [tokens], block·BLOCK_SIZE + offset, or −1: the token is skipped
//   pool        u32 words in the layout of src/core/kv/formats.ts
//
// One lane owns 16 channels of one row (a K or V vector of one head), D/16 lanes a row, ROWS rows a workgroup. A scale
// shared by several lanes is reduced through workgroup memory with one barrier, so the kernel needs no subgroups. Every
// lane writes whole words: no atomics. All formats but int2, whose newest tokens wait in a ring (append_residual.wgsl).
//
// Set with the pipeline: FORMAT, HEAD_DIM (D), KV_HEADS, BLOCK_SIZE, BLOCK_WORDS, REGION_WORDS, PARAM_WORDS, ROW_WORDS (K and V
// regions are alike in these formats), SHARED_LANES (lanes that share one scale; 1: none do), ROWS, THREADS.
// Numerics: f32; scale = absmax/127 or (max − min)/15 within the device's division error of 2.5 ulp.

//!requires kv_store

struct Params {
  tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> key: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> value: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> slots: array<i32>;
@group(0) @binding(4) var<storage, read_write> pool: array<u32>;

const LANES = ${HEAD_DIM / 16}u;
const SHARED_LANES = ${SHARED_LANES}u;

//!if SHARED_LANES > 1
var<workgroup> extremes: array<vec2<f32>, ${THREADS}>;
//!end

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = (group.y * groups.x + group.x) * ${ROWS}u + index / LANES;
  let lane = index % LANES;
  let token = row / ${2 * KV_HEADS}u;
  // The order of regions in a block: K of every head, then V of every head.
  let region = row % ${2 * KV_HEADS}u;
  var slot = -1;
  if token < params.tokens {
    slot = slots[token];
  }

  var x0 = vec4<f32>();
  var x1 = vec4<f32>();
  var x2 = vec4<f32>();
  var x3 = vec4<f32>();
  if slot >= 0 {
    if region < ${KV_HEADS}u {
      let at = (token * ${KV_HEADS}u + region) * ${HEAD_DIM / 4}u + lane * 4u;
      x0 = key[at];
      x1 = key[at + 1u];
      x2 = key[at + 2u];
      x3 = key[at + 3u];
    } else {
      let at = (token * ${KV_HEADS}u + region - ${KV_HEADS}u) * ${HEAD_DIM / 4}u + lane * 4u;
      x0 = value[at];
      x1 = value[at + 1u];
      x2 = value[at + 2u];
      x3 = value[at + 3u];
    }
  }

  let block = u32(max(slot, 0)) / ${BLOCK_SIZE}u;
  let offset = u32(max(slot, 0)) % ${BLOCK_SIZE}u;
  let parameters = block * ${BLOCK_WORDS}u + region * ${REGION_WORDS}u;
  let words = parameters + ${PARAM_WORDS}u + offset * ${ROW_WORDS}u + lane * ${ROW_WORDS / (HEAD_DIM / 16)}u;

//!if QUANTIZED
  let lows = min(min(x0, x1), min(x2, x3));
  let highs = max(max(x0, x1), max(x2, x3));
  var low = min(min(lows.x, lows.y), min(lows.z, lows.w));
  var high = max(max(highs.x, highs.y), max(highs.z, highs.w));
//!if SHARED_LANES > 1
  extremes[index] = vec2(low, high);
  workgroupBarrier();
  let first = index - lane % SHARED_LANES;
  for (var i = 0u; i < SHARED_LANES; i++) {
    low = min(low, extremes[first + i].x);
    high = max(high, extremes[first + i].y);
  }
//!end
//!end
  if slot < 0 {
    return;
  }

//!if FORMAT == f32
//!repeat I 4
  pool[words + ${4 * I}u] = bitcast<u32>(x${I}.x);
  pool[words + ${4 * I + 1}u] = bitcast<u32>(x${I}.y);
  pool[words + ${4 * I + 2}u] = bitcast<u32>(x${I}.z);
  pool[words + ${4 * I + 3}u] = bitcast<u32>(x${I}.w);
//!end
//!end
//!if FORMAT == f16
//!repeat I 4
  pool[words + ${2 * I}u] = f16_pair(x${I}.x, x${I}.y);
  pool[words + ${2 * I + 1}u] = f16_pair(x${I}.z, x${I}.w);
//!end
//!end
//!if SYMMETRIC
  let absmax = max(-low, high);
  // Below 2^-100 the row counts as zeros (quantize.ts).
  let scale = select(absmax / ${LARGEST_CODE}.0, 0.0, absmax < 7.888609e-31);
  let inverse_scale = inverse_or_zero(scale);
  if lane == 0u {
    pool[parameters + offset] = bitcast<u32>(scale);
  }
//!repeat I 4
  pool[words + ${I}u] = ${WORD}(x${I}, inverse_scale);
//!end
//!end
//!if FORMAT == int4
  let pair = scale_min_pair(low, high, 15.0);
  let stored_min = f16_value(pair >> 16u);
  let inverse_scale = inverse_or_zero(f16_value(pair & 0xffffu));
  if lane % SHARED_LANES == 0u {
    pool[parameters + offset * ${HEAD_DIM / 16 / SHARED_LANES}u + lane / SHARED_LANES] = pair;
  }
  pool[words] = int4_word(
    asymmetric_codes(x0, stored_min, inverse_scale, 15.0),
    asymmetric_codes(x1, stored_min, inverse_scale, 15.0),
  );
  pool[words + 1u] = int4_word(
    asymmetric_codes(x2, stored_min, inverse_scale, 15.0),
    asymmetric_codes(x3, stored_min, inverse_scale, 15.0),
  );
//!end
}
