// Splits the rows of the fused projection into queries, keys and values; norms, turns, scales and pads them.
//
//   input        f32 [tokens][QUERY_HEADS + 2·KV_HEADS][HEAD_DIM]: queries, keys, values
//   frequencies  u32 [ROTARY_DIM / 2], turns per position as a fraction of 2^32
//   query        f32 [tokens][QUERY_HEADS][PADDED_DIM]; key, value f32 [tokens][KV_HEADS][PADDED_DIM]
//
// An invocation owns two channels of a head: those that turn together, or two neighbours. With QK_NORM it reads its
// whole head for the mean square; neighbours read the same words.
//
// Numerics: the angle is a product of whole numbers that wraps around with the turn, exact but for the rounding of the
// frequency. Cosine and sine are polynomials within an eighth of a turn, to 1e-7: WGSL promises its own only to 5e-4.
// Set by the launcher: the names above, INTERLEAVED (channels 2i and 2i + 1 turn together; else i and
// i + ROTARY_DIM/2), QK_NORM, THREADS.

struct Params {
  tokens: u32,
  epsilon: f32,
  queryScale: f32,
  magnitude: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> query: array<f32>;
@group(0) @binding(3) var<storage, read_write> key: array<f32>;
@group(0) @binding(4) var<storage, read_write> value: array<f32>;
//!if ROTARY_DIM > 0
@group(0) @binding(5) var<storage, read> positions: array<u32>;
@group(0) @binding(6) var<storage, read> frequencies: array<u32>;
//!end
//!if QK_NORM
@group(0) @binding(7) var<storage, read> queryNorm: array<f32>;
@group(0) @binding(8) var<storage, read> keyNorm: array<f32>;
//!end

const HEAD_DIM = ${HEAD_DIM}u;
const PADDED_DIM = ${PADDED_DIM}u;
const PAIRS = ${PADDED_DIM / 2}u;
const TURNED = ${ROTARY_DIM / 2}u;
const QUERY_HEADS = ${QUERY_HEADS}u;
const KV_HEADS = ${KV_HEADS}u;
const HEADS = QUERY_HEADS + 2u * KV_HEADS;

/** Cosine and sine of an angle in turns, a fraction of 2^32. */
fn cosSin(turns: u32) -> vec2<f32> {
  // The nearest quarter, and the rest of at most an eighth either side, in radians.
  let quarter = (turns + 0x20000000u) >> 30u;
  let x = f32(bitcast<i32>(turns - (quarter << 30u))) * 1.462918079e-9;
  let s = x * x;
  let sine = x * (1.0 + s * (-0.1666666667 + s * (0.008333333333 + s * (-0.0001984126984 + s * 2.755731922e-6))));
  let cosine = 1.0 + s * (-0.5 + s * (0.04166666667 + s * (-0.001388888889 + s * 2.48015873e-5)));
  let swapped = select(vec2(cosine, sine), vec2(-sine, cosine), (quarter & 1u) == 1u);
  return select(swapped, -swapped, (quarter & 2u) == 2u);
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * ${THREADS}u + id.x;
  let pair = item % PAIRS;
  let head = item / PAIRS % HEADS;
  let token = item / (PAIRS * HEADS);
  if (token >= params.tokens) {
    return;
  }
  let isValue = head >= QUERY_HEADS + KV_HEADS;
  let isQuery = head < QUERY_HEADS;
  let isTurned = !isValue && pair < TURNED;
  var first = 2u * pair;
  var second = first + 1u;
//!if !INTERLEAVED
  if (isTurned) {
    first = pair;
    second = pair + TURNED;
  }
//!end
  var x = vec2<f32>(0.0);
  if (2u * pair < HEAD_DIM) {
    let row = (token * HEADS + head) * HEAD_DIM;
    x = vec2(input[row + first], input[row + second]);
//!if QK_NORM
    if (!isValue) {
      var squares = 0.0;
      for (var d = 0u; d < HEAD_DIM; d++) {
        squares += input[row + d] * input[row + d];
      }
      x *= inverseSqrt(squares / f32(HEAD_DIM) + params.epsilon);
      x *= select(vec2(keyNorm[first], keyNorm[second]), vec2(queryNorm[first], queryNorm[second]), isQuery);
    }
//!end
//!if ROTARY_DIM > 0
    if (isTurned) {
      let turn = cosSin(positions[token] * frequencies[pair]) * params.magnitude;
      x = vec2(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
    }
//!end
  }
  if (isQuery) {
    let at = (token * QUERY_HEADS + head) * PADDED_DIM;
    query[at + first] = x.x * params.queryScale;
    query[at + second] = x.y * params.queryScale;
  } else if (!isValue) {
    let at = (token * KV_HEADS + head - QUERY_HEADS) * PADDED_DIM;
    key[at + first] = x.x;
    key[at + second] = x.y;
  } else {
    let at = (token * KV_HEADS + head - QUERY_HEADS - KV_HEADS) * PADDED_DIM;
    value[at + first] = x.x;
    value[at + second] = x.y;
  }
}
