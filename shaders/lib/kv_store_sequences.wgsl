// The sequences of a step, for kernels that append to int2 caches. Declares bindings 0 to 4.
//
//   query_starts     u32 [batch + 1], prefix sums of the new tokens of each sequence
//   context_lengths  u32 [batch], tokens after the append; 0: an inactive row
//   residual_slots   u32 [batch], which ring a sequence owns
//   input            the new keys or values, f32 [tokens][KV_HEADS][D]
//
// Token t of a sequence lives in its ring at row t mod R until it is quantized (src/core/kv/kivi.ts).

//!requires kv_store

struct Params {
  batch: u32,
  table_stride: u32,
  max_new_tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> query_starts: array<u32>;
@group(0) @binding(3) var<storage, read> context_lengths: array<u32>;
@group(0) @binding(4) var<storage, read> residual_slots: array<u32>;

struct Sequence {
  /** Tokens before and after the append. */
  before: u32,
  after: u32,
  /** First new token in `input`. */
  first: u32,
  /** First row of its ring. */
  ring: u32,
}

fn sequence_of(index: u32) -> Sequence {
  let after = context_lengths[index];
  let first = query_starts[index];
  let added = min(query_starts[index + 1u] - first, after);
  return Sequence(after - added, after, first, residual_slots[index] * ${2 * KV_HEADS * RESIDUAL_TOKENS}u);
}

/** Index in `input` of channels 4·quad … 4·quad + 3 of a new token. */
fn input_quad(sequence: Sequence, head: u32, token: u32, quad: u32) -> u32 {
  return ((sequence.first + token - sequence.before) * ${KV_HEADS}u + head) * ${HEAD_DIM / 4}u + quad;
}

/** First word of the same channels of the token's row in the ring; part 0: keys, 1: values. */
fn ring_word(sequence: Sequence, part: u32, head: u32, token: u32, quad: u32) -> u32 {
  let row = sequence.ring + (part * ${KV_HEADS}u + head) * ${RESIDUAL_TOKENS}u + token % ${RESIDUAL_TOKENS}u;
  return row * ${HEAD_DIM / 2}u + quad * 2u;
}
