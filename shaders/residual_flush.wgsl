// Quantizes to 2 bits what grows too old for the f16 ring, before the ring is overwritten (KIVI):
//   keys    per channel over TOKEN_GROUP tokens, R tokens at a time: tokens ⌊before/R⌋·R … ⌊after/R⌋·R
//   values  per token over CHANNEL_GROUP channels, one token at a time: tokens before − R … after − R
// A token that is new in this step and flushed in the same step comes from `input`, rounded to f16 as the ring would
// have stored it: so the words do not depend on how a prompt is cut into steps.
//
//   ring         u32 [residual slots][K, V][KV_HEADS][R][D/2], f16 pairs
//   block_table  u32 [batch][table_stride]
//   pool         layout of src/core/kv/formats.ts
//
// PART 0 (keys): one lane owns 16 channels (one word a row) of one token group of one head.
// PART 1 (values): one lane owns one channel group of one token of one head.
// The four channels of a quad at a time, in a loop: unrolled over a word's four quads with all values in registers, this
// took 5 times as long to compile on SwiftShader.
// No lane shares a word or a scale with another: no atomics, no barrier. The host launches the most work any sequence
// may have; the other lanes do nothing.
// Set with the pipeline: PART, HEAD_DIM (D), KV_HEADS, BLOCK_SIZE, BLOCK_WORDS, REGION_START, REGION_WORDS, PARAM_WORDS, ROW_WORDS,
// RESIDUAL_TOKENS, TOKEN_GROUP, CHANNEL_GROUP.

//!requires kv_store_sequences

@group(0) @binding(5) var<storage, read> ring: array<u32>;
@group(0) @binding(6) var<storage, read> block_table: array<u32>;
@group(0) @binding(7) var<storage, read_write> pool: array<u32>;

const R = ${RESIDUAL_TOKENS}u;

/** Channels 4·quad … of a token, from the ring or, as the ring would round them, from this step's input. */
fn load(sequence: Sequence, head: u32, token: u32, quad: u32) -> vec4<f32> {
  var words = vec2<u32>();
  if token >= sequence.before {
    let x = input[input_quad(sequence, head, token, quad)];
    words = vec2(f16_pair(x.x, x.y), f16_pair(x.z, x.w));
  } else {
    let at = ring_word(sequence, ${PART}u, head, token, quad);
    words = vec2(ring[at], ring[at + 1u]);
  }
  return vec4(
    f16_value(words.x & 0xffffu),
    f16_value(words.x >> 16u),
    f16_value(words.y & 0xffffu),
    f16_value(words.y >> 16u),
  );
}

/** First word of the head's region in the block that holds the token. */
fn region_of(index: u32, head: u32, token: u32) -> u32 {
  let block = block_table[index * params.table_stride + token / ${BLOCK_SIZE}u];
  return block * ${BLOCK_WORDS}u + ${REGION_START}u + head * ${REGION_WORDS}u;
}

//!if PART == 0
const GROUPS_PER_ROUND = ${RESIDUAL_TOKENS / TOKEN_GROUP}u;

/** One (scale, min) pair a channel. */
fn pairs_of(low: vec4<f32>, high: vec4<f32>) -> vec4<u32> {
  return vec4(
    scale_min_pair(low.x, high.x, 3.0),
    scale_min_pair(low.y, high.y, 3.0),
    scale_min_pair(low.z, high.z, 3.0),
    scale_min_pair(low.w, high.w, 3.0),
  );
}

fn minima(pairs: vec4<u32>) -> vec4<f32> {
  return vec4(
    f16_value(pairs.x >> 16u),
    f16_value(pairs.y >> 16u),
    f16_value(pairs.z >> 16u),
    f16_value(pairs.w >> 16u),
  );
}

fn inverse_scales(pairs: vec4<u32>) -> vec4<f32> {
  return vec4(
    inverse_or_zero(f16_value(pairs.x & 0xffffu)),
    inverse_or_zero(f16_value(pairs.y & 0xffffu)),
    inverse_or_zero(f16_value(pairs.z & 0xffffu)),
    inverse_or_zero(f16_value(pairs.w & 0xffffu)),
  );
}

fn channel_codes(x: vec4<f32>, low: vec4<f32>, inverse_scale: vec4<f32>) -> u32 {
  return int2_byte(vec4<u32>(round(clamp((x - low) * inverse_scale, vec4(0.0), vec4(3.0)))));
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * 64u + id.x;
  let word = item % ${HEAD_DIM / 16}u;
  let head = (item / ${HEAD_DIM / 16}u) % ${KV_HEADS}u;
  let row = item / ${HEAD_DIM / 16 * KV_HEADS}u;
  let most = (params.max_new_tokens / R + 1u) * GROUPS_PER_ROUND;
  let index = row / most;
  if index >= params.batch {
    return;
  }
  let sequence = sequence_of(index);
  let first = sequence.before / R * R + (row % most) * ${TOKEN_GROUP}u;
  if first >= sequence.after / R * R {
    return;
  }

  let region = region_of(index, head, first);
  let offset = first % ${BLOCK_SIZE}u;
  let parameters = region + offset / ${TOKEN_GROUP}u * ${HEAD_DIM}u + word * 16u;
  let words = region + ${PARAM_WORDS}u + offset * ${ROW_WORDS}u + word;
  // Each round adds one byte to the words, which this lane alone owns.
  for (var byte = 0u; byte < 4u; byte++) {
    let quad = word * 4u + byte;
    var low = load(sequence, head, first, quad);
    var high = low;
    for (var t = 1u; t < ${TOKEN_GROUP}u; t++) {
      let x = load(sequence, head, first + t, quad);
      low = min(low, x);
      high = max(high, x);
    }
    let pairs = pairs_of(low, high);
    let stored_min = minima(pairs);
    let inverse_scale = inverse_scales(pairs);
    pool[parameters + byte * 4u] = pairs.x;
    pool[parameters + byte * 4u + 1u] = pairs.y;
    pool[parameters + byte * 4u + 2u] = pairs.z;
    pool[parameters + byte * 4u + 3u] = pairs.w;
    for (var t = 0u; t < ${TOKEN_GROUP}u; t++) {
      let codes = channel_codes(load(sequence, head, first + t, quad), stored_min, inverse_scale) << (8u * byte);
      let at = words + t * ${ROW_WORDS}u;
      pool[at] = select(pool[at], 0u, byte == 0u) | codes;
    }
  }
}
//!else
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * 64u + id.x;
  let channel_group = item % ${HEAD_DIM / CHANNEL_GROUP}u;
  let head = (item / ${HEAD_DIM / CHANNEL_GROUP}u) % ${KV_HEADS}u;
  let row = item / ${HEAD_DIM / CHANNEL_GROUP * KV_HEADS}u;
  let index = row / params.max_new_tokens;
  if index >= params.batch {
    return;
  }
  let sequence = sequence_of(index);
  let token = max(sequence.before, R) - R + row % params.max_new_tokens;
  if token + R >= sequence.after {
    return;
  }

  let quad = channel_group * ${CHANNEL_GROUP / 4}u;
  var low4 = load(sequence, head, token, quad);
  var high4 = low4;
  for (var i = 1u; i < ${CHANNEL_GROUP / 4}u; i++) {
    let x = load(sequence, head, token, quad + i);
    low4 = min(low4, x);
    high4 = max(high4, x);
  }
  let low = min(min(low4.x, low4.y), min(low4.z, low4.w));
  let high = max(max(high4.x, high4.y), max(high4.z, high4.w));
  let pair = scale_min_pair(low, high, 3.0);
  let stored_min = f16_value(pair >> 16u);
  let inverse_scale = inverse_or_zero(f16_value(pair & 0xffffu));

  let region = region_of(index, head, token);
  let offset = token % ${BLOCK_SIZE}u;
  pool[region + offset * ${HEAD_DIM / CHANNEL_GROUP}u + channel_group] = pair;
  let words = region + ${PARAM_WORDS}u + offset * ${ROW_WORDS}u + channel_group * ${CHANNEL_GROUP / 16}u;
  var codes = 0u;
  for (var i = 0u; i < ${CHANNEL_GROUP / 4}u; i++) {
    let x = load(sequence, head, token, quad + i);
    codes |= int2_byte(asymmetric_codes(x, stored_min, inverse_scale, 3.0)) << (8u * (i % 4u));
    if i % 4u == 3u {
      pool[words + i / 4u] = codes;
      codes = 0u;
    }
  }
}
//!end
