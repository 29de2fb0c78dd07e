// Splits the rows of the fused projection into queries, keys and values; norms, turns, scales and pads them. With a CACHE
// of f32 or f16 keys and values go right into their slots of the paged pool, which saves the launch of append.wgsl.
//
//   input        f32 [tokens][QUERY_HEADS + 2·KV_HEADS][HEAD_DIM]: queries, keys, values
//   frequencies  u32 [ROTARY_DIM / 2], turns per position as a fraction of 2^32
//   query        f32 [tokens][QUERY_HEADS][PADDED_DIM]; key, value f32 [tokens][KV_HEADS][PADDED_DIM]
//   pool, slots  instead of key and value, as in append.wgsl
//
// An invocation owns OWNED pairs of channels of a head: those that turn together, or two neighbours. Two pairs into an f16
// cache, so that it writes whole words there, else one. With QK_NORM it reads its whole head for the mean square;
// neighbours read the same words.
//
// Numerics: the angle is a product of whole numbers that wraps around with the turn, exact but for the rounding of the
// frequency. Cosine and sine are polynomials within an eighth of a turn, to 1e-7: WGSL promises its own only to 5e-4.
// Set by the launcher: the names above, INTERLEAVED (channels 2i and 2i + 1 turn together; else i and
// i + ROTARY_DIM/2), QK_NORM, CACHE (none, f32, f16), with a cache its layout's numbers, OWNED, THREADS.

struct Params {
  tokens: u32,
  epsilon: f32,
  queryScale: f32,
  magnitude: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
@group(0) @binding(2) var<storage, read_write> query: array<f32>;
//!if CACHE == none
@group(0) @binding(3) var<storage, read_write> key: array<f32>;
@group(0) @binding(4) var<storage, read_write> value: array<f32>;
//!else
@group(0) @binding(3) var<storage, read_write> pool: array<u32>;
@group(0) @binding(4) var<storage, read> slots: array<i32>;
//!end
//!if ROTARY_DIM > 0
@group(0) @binding(5) var<storage, read> positions: array<u32>;
@group(0) @binding(6) var<storage, read> frequencies: array<u32>;
//!end
//!if QK_NORM
@group(0) @binding(7) var<storage, read> queryNorm: array<f32>;
@group(0) @binding(8) var<storage, read> keyNorm: array<f32>;
//!end

//!if CACHE == f16
//!requires kv_store
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

/** Two channels of a head, and where they stand in it. */
struct Pair {
  x: vec2<f32>,
  first: u32,
  second: u32,
}

fn pairOf(token: u32, head: u32, pair: u32) -> Pair {
  let isValue = head >= QUERY_HEADS + KV_HEADS;
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
      let isQuery = head < QUERY_HEADS;
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
  return Pair(x, first, second);
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * ${THREADS}u + id.x;
  let firstPair = item % (PAIRS / ${OWNED}u) * ${OWNED}u;
  let head = item / (PAIRS / ${OWNED}u) % HEADS;
  let token = item / (PAIRS / ${OWNED}u * HEADS);
  if (token >= params.tokens) {
    return;
  }
//!repeat n OWNED
  let pair${n} = pairOf(token, head, firstPair + ${n}u);
//!end
  if (head < QUERY_HEADS) {
    let at = (token * QUERY_HEADS + head) * PADDED_DIM;
//!repeat n OWNED
    query[at + pair${n}.first] = pair${n}.x.x * params.queryScale;
    query[at + pair${n}.second] = pair${n}.x.y * params.queryScale;
//!end
    return;
  }
//!if CACHE == none
  if (head < QUERY_HEADS + KV_HEADS) {
    let at = (token * KV_HEADS + head - QUERY_HEADS) * PADDED_DIM;
    key[at + pair0.first] = pair0.x.x;
    key[at + pair0.second] = pair0.x.y;
  } else {
    let at = (token * KV_HEADS + head - QUERY_HEADS - KV_HEADS) * PADDED_DIM;
    value[at + pair0.first] = pair0.x.x;
    value[at + pair0.second] = pair0.x.y;
  }
//!else
  let slot = slots[token];
  if (slot < 0) {
    return;
  }
  // The order of regions in a block: K of every head, then V of every head.
  let region = u32(slot) / ${BLOCK_SIZE}u * ${BLOCK_WORDS}u + (head - QUERY_HEADS) * ${K_REGION_WORDS}u;
  let at = region + ${K_PARAM_WORDS}u + u32(slot) % ${BLOCK_SIZE}u * ${ROW_WORDS}u;
//!if CACHE == f32
  pool[at + pair0.first] = bitcast<u32>(pair0.x.x);
  pool[at + pair0.second] = bitcast<u32>(pair0.x.y);
//!else
  if (pair0.second == pair0.first + 1u) {
    pool[at + pair0.first / 2u] = f16_pair(pair0.x.x, pair0.x.y);
    pool[at + pair1.first / 2u] = f16_pair(pair1.x.x, pair1.x.y);
  } else {
    pool[at + pair0.first / 2u] = f16_pair(pair0.x.x, pair1.x.x);
    pool[at + pair0.second / 2u] = f16_pair(pair0.x.y, pair1.x.y);
  }
//!end
//!end
}
