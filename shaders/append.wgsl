// Appends the keys and values of new tokens to their slots of the paged pool, quantizing on the way.
//
//   key, value  f32 [tokens][KV_HEADS][D]
//   slots       i32 [tokens], block·BLOCK_SIZE + offset, or −1: the token is skipped
//   pool        u32 words in the layout of src/core/kv/formats.ts
//
// A row is a K (workgroup z = 0) or V (z = 1) vector of one head. One lane owns LANE_CHANNELS channels of a row and
// writes whole words: no atomics. Where a scale covers more channels than a lane, the lanes that share it reduce through
// workgroup memory with one barrier; so the kernel needs no subgroups. All formats but int2, whose newest tokens wait in
// a ring (append_residual.wgsl).
//
// Two shapes, chosen by the launcher: 16 channels a lane (GPUs: neighbouring lanes read neighbouring bytes), or all
// channels of a scale (CPU adapters: without the barrier int8 took a third of the time on SwiftShader).
//
// Set with the pipeline: FORMAT, HEAD_DIM (D), KV_HEADS, BLOCK_SIZE, BLOCK_WORDS, K_REGION_WORDS, K_PARAM_WORDS,
// ROW_WORDS (K and V regions are alike in these formats), LANE_CHANNELS, SCALE_CHANNELS (that share a scale; 0: no
// scale), ROWS (a workgroup), THREADS.
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

const LANES = ${HEAD_DIM / LANE_CHANNELS}u;
const QUADS = ${LANE_CHANNELS / 4}u;
const LANE_WORDS = ${ROW_WORDS * LANE_CHANNELS / HEAD_DIM}u;

//!if SCALE_CHANNELS > LANE_CHANNELS
const SHARED_LANES = ${SCALE_CHANNELS / LANE_CHANNELS}u;
var<workgroup> extremes: array<vec2<f32>, ${THREADS}>;
//!end

/** `part` is the same for the whole workgroup, so this branch is free. */
fn load(part: u32, at: u32) -> vec4<f32> {
  if part == 0u {
    return key[at];
  }
  return value[at];
}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = (group.y * groups.x + group.x) * ${ROWS}u + index / LANES;
  let lane = index % LANES;
  let part = group.z;
  let token = row / ${KV_HEADS}u;
  let head = row % ${KV_HEADS}u;
  var slot = -1;
  if token < params.tokens {
    slot = slots[token];
  }
  let input = (token * ${KV_HEADS}u + head) * ${HEAD_DIM / 4}u + lane * QUADS;

//!if SCALE_CHANNELS > 0
  var low = 0.0;
  var high = 0.0;
  if slot >= 0 {
    var low4 = load(part, input);
    var high4 = low4;
    for (var i = 1u; i < QUADS; i++) {
      let x = load(part, input + i);
      low4 = min(low4, x);
      high4 = max(high4, x);
    }
    low = min(min(low4.x, low4.y), min(low4.z, low4.w));
    high = max(max(high4.x, high4.y), max(high4.z, high4.w));
  }
//!if SCALE_CHANNELS > LANE_CHANNELS
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

  let block = u32(slot) / ${BLOCK_SIZE}u;
  let offset = u32(slot) % ${BLOCK_SIZE}u;
  // The order of regions in a block: K of every head, then V of every head.
  let parameters = block * ${BLOCK_WORDS}u + (part * ${KV_HEADS}u + head) * ${K_REGION_WORDS}u;
  let words = parameters + ${K_PARAM_WORDS}u + offset * ${ROW_WORDS}u + lane * LANE_WORDS;

//!if FORMAT == f32
  for (var i = 0u; i < QUADS; i++) {
    let x = bitcast<vec4<u32>>(load(part, input + i));
    pool[words + 4u * i] = x.x;
    pool[words + 4u * i + 1u] = x.y;
    pool[words + 4u * i + 2u] = x.z;
    pool[words + 4u * i + 3u] = x.w;
  }
//!end
//!if FORMAT == f16
  for (var i = 0u; i < QUADS; i++) {
    let x = load(part, input + i);
    pool[words + 2u * i] = f16_pair(x.x, x.y);
    pool[words + 2u * i + 1u] = f16_pair(x.z, x.w);
  }
//!end
//!if SYMMETRIC
  let absmax = max(-low, high);
  // Below 2^-100 the row counts as zeros (quantize.ts).
  let scale = select(absmax / ${LARGEST_CODE}.0, 0.0, absmax < 7.888609e-31);
  let inverse_scale = inverse_or_zero(scale);
  if lane == 0u {
    pool[parameters + offset] = bitcast<u32>(scale);
  }
  for (var i = 0u; i < QUADS; i++) {
    pool[words + i] = ${WORD}(load(part, input + i), inverse_scale);
  }
//!end
//!if FORMAT == int4
  let pair = scale_min_pair(low, high, 15.0);
  let stored_min = f16_value(pair >> 16u);
  let inverse_scale = inverse_or_zero(f16_value(pair & 0xffffu));
  if lane * ${LANE_CHANNELS}u % ${SCALE_CHANNELS}u == 0u {
    pool[parameters + offset * ${HEAD_DIM / SCALE_CHANNELS}u + lane * ${LANE_CHANNELS}u / ${SCALE_CHANNELS}u] = pair;
  }
  for (var i = 0u; i < QUADS; i += 2u) {
    pool[words + i / 2u] = int4_word(
      asymmetric_codes(load(part, input + i), stored_min, inverse_scale, 15.0),
      asymmetric_codes(load(part, input + i + 1u), stored_min, inverse_scale, 15.0),
    );
  }
//!end
}
