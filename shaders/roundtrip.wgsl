// Rounds rows through a KV format and back, in place: what a cache of that format would give back of them.
//
//   rows   f32 [rows][HEADS][D]
//   list   AXIS token: u32 [count], the rows to round. AXIS channel: u32 [count][2], first row and rows of each token group.
//
// Token: one lane owns GROUP channels of one head of one row. Channel: one lane owns one channel of one head over the
// rows of a group, so that neighbouring lanes read neighbouring words. Nothing is shared, so there is no barrier.
//
// For experiments, not for serving: a lane reads its values twice from memory, and several lanes of the token axis read
// strided words. Numerics: those of append.wgsl, through the same functions; f32.
//
// Set with the pipeline: AXIS, KIND (f16, int8, e4m3, e5m2, asymmetric), HEADS, D, GROUP, LEVELS (asymmetric: 2^bits − 1),
// LARGEST_CODE (int8 127, fp8 448 or 57344), THREADS.

//!requires kv_store

struct Params {
  count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> list: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<f32>;

//!if KIND == e4m3
fn small_value(bits: u32) -> f32 {
  let exponent = (bits >> 3u) & 15u;
  let fraction = bits & 7u;
  let normal = bitcast<f32>(((exponent + 120u) << 23u) | (fraction << 20u));
  let magnitude = select(normal, f32(fraction) * 0.001953125, exponent == 0u);
  return select(magnitude, -magnitude, (bits & 0x80u) != 0u);
}
//!end
//!if KIND == e5m2
fn small_value(bits: u32) -> f32 {
  let exponent = (bits >> 2u) & 31u;
  let fraction = bits & 3u;
  let normal = bitcast<f32>(((exponent + 112u) << 23u) | (fraction << 21u));
  let magnitude = select(normal, f32(fraction) * 1.52587890625e-5, exponent == 0u);
  return select(magnitude, -magnitude, (bits & 0x80u) != 0u);
}
//!end

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let lane = (workgroup.y * workgroups.x + workgroup.x) * ${THREADS}u + index;
//!if AXIS == token
  let groups = ${D / GROUP}u;
  let item = lane / (${HEADS}u * groups);
  if item >= params.count {
    return;
  }
  let first = list[item] * ${HEADS * D}u + (lane % (${HEADS}u * groups)) * ${GROUP}u;
  let count = ${GROUP}u;
  let stride = 1u;
//!end
//!if AXIS == channel
  let item = lane / ${HEADS * D}u;
  if item >= params.count {
    return;
  }
  let first = list[2u * item] * ${HEADS * D}u + lane % ${HEADS * D}u;
  let count = list[2u * item + 1u];
  let stride = ${HEADS * D}u;
//!end

//!if KIND == f16
  for (var i = 0u; i < count; i++) {
    let at = first + i * stride;
    rows[at] = f16_value(f16_bits(rows[at]));
  }
//!end
//!if KIND != f16
  var low = rows[first];
  var high = low;
  for (var i = 1u; i < count; i++) {
    let x = rows[first + i * stride];
    low = min(low, x);
    high = max(high, x);
  }
//!end
//!if KIND == asymmetric
  let pair = scale_min_pair(low, high, ${LEVELS}.0);
  let scale = f16_value(pair & 0xffffu);
  let stored_min = f16_value(pair >> 16u);
  let inverse_scale = inverse_or_zero(scale);
  for (var i = 0u; i < count; i++) {
    let at = first + i * stride;
    let code = round(clamp((rows[at] - stored_min) * inverse_scale, 0.0, ${LEVELS}.0));
    rows[at] = code * scale + stored_min;
  }
//!end
//!if SYMMETRIC
  let absmax = max(-low, high);
  // Below 2^-100 the row counts as zeros (quantize.ts).
  let scale = select(absmax / ${LARGEST_CODE}.0, 0.0, absmax < 7.888609e-31);
  let inverse_scale = inverse_or_zero(scale);
  for (var i = 0u; i < count; i++) {
    let at = first + i * stride;
//!if KIND == int8
    rows[at] = clamp(round(rows[at] * inverse_scale), -127.0, 127.0) * scale;
//!end
//!if KIND == e4m3
    rows[at] = small_value(e4m3_bits(rows[at] * inverse_scale)) * scale;
//!end
//!if KIND == e5m2
    rows[at] = small_value(e5m2_bits(rows[at] * inverse_scale)) * scale;
//!end
  }
//!end
}
