// Chunked causal prefill attention over the paged KV cache, for CPU adapters: no shared memory, no barrier, no subgroup
// operation, so one text serves every tier.
//
// query   f32 [T][Hq][D]   the last tokens of each sequence, sequences one after another (queryStarts u32 [B + 1])
// pool    u32              one layer's blocks (src/core/kv/formats.ts)
// output  f32 [T][Hq][D]
//
// A workgroup owns one tile of packed rows of one kv head and sequence. Packed row r is token r / G, query head
// kvHead * G + r % G, so one read of K and V serves the whole query group. Each lane owns 4 * ROW_VECS rows: component c
// of vector j is packed row (j * 4 + c) * LANES + lane of the tile. All lanes read the same words of K and V (a
// broadcast, the fast path of a CPU adapter), KEYS tokens at a time, so that queries and accumulators, which live in
// private arrays, are loaded once for KEYS tokens.
//
// Numerics: f32, online softmax in base 2; queries are scaled by log2(e)/sqrt(D) on load.
// Set by the launcher: GROUP, LANES, ROW_VECS, KEYS (a divisor of 8) and the constants of lib/prefill_kv.wgsl.
// Tried and dropped: queries and accumulators in unrolled registers; SwiftShader then compiles for half a minute.
//!requires prefill_params
//!requires prefill_kv

const D = ${HEAD_DIM}u;
const G = ${GROUP}u;
const HQ = ${GROUP * KV_HEADS}u;
const LANES = ${LANES}u;
const TILE_ROWS = ${LANES * ROW_VECS * 4}u;
const NEVER = -3.0e38;
const K_EIGHTS = ${HEAD_DIM / 8 / K_GROUPS}u;
const V_EIGHTS = ${HEAD_DIM / 8 / V_GROUPS}u;

fn queryRow(tile: TileRange, row: u32, kvHead: u32) -> u32 {
  // Rows beyond the end read the last row; they are never stored.
  let token = min(row / G, tile.queryTokens - 1u);
  return ((tile.queryStart + token) * HQ + kvHead * G + row % G) * D;
}

fn isVisible(t: i32, last: vec4<i32>) -> vec4<bool> {
  return (vec4<i32>(t) <= last) & ((vec4<i32>(t) > last - params.windowTokens) | vec4<bool>(t < params.sinkTokens));
}

@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let sequence = workgroup.z;
  let kvHead = params.firstHead + workgroup.y;
  let tile = tileRange(sequence, kvHead, workgroup.x * TILE_ROWS, TILE_ROWS, G);
  if (tile.rows == 0u) {
    return;
  }
//!repeat j ROW_VECS
  let row${j} = vec4<u32>(tile.firstRow + lane) + vec4<u32>(${j * 4}u, ${j * 4 + 1}u, ${j * 4 + 2}u, ${j * 4 + 3}u) * LANES;
  // Keys at or before `last` are visible; rows that do not exist see nothing.
  let last${j} = select(vec4<i32>(-1), vec4<i32>(row${j} / G) + tile.firstPosition, row${j} < vec4<u32>(tile.endRow));
  var max${j} = vec4<f32>(NEVER);
  var sum${j} = vec4<f32>(0.0);
  var q${j}: array<vec4<f32>, D>;
  var acc${j}: array<vec4<f32>, D>;
//!repeat c 4
  let at${j}_${c} = queryRow(tile, row${j}[${c}], kvHead);
//!end
  for (var d = 0u; d < D; d++) {
    q${j}[d] = vec4(query[at${j}_0 + d], query[at${j}_1 + d], query[at${j}_2 + d], query[at${j}_3 + d]) * params.scale;
    acc${j}[d] = vec4<f32>(0.0);
  }
//!end

  let table = tableStart(sequence, kvHead);
//!if FORMAT == int2
  let ring = residualSlots[sequence];
//!else
  let ring = 0u;
//!end
  let windowFirst = max(tile.windowStart, 0) / ${KEYS} * ${KEYS};
  for (var t = 0; t <= tile.lastPosition; t += ${KEYS}) {
    // Between the sinks and the window of the tile's first row nothing is visible to any row.
    if (t >= params.sinkTokens && t < windowFirst) {
      t = windowFirst;
    }
    let block = blockTable[table + u32(t) / BLOCK_SIZE];
//!repeat n KEYS
    // Beyond the last visible token the row of that token is read again, and never counted.
    let token${n} = u32(min(t + ${n}, tile.lastPosition));
    let k${n} = keyAt(block, kvHead, token${n}, tile.contextLength, ring);
    let v${n} = valueAt(block, kvHead, token${n}, tile.contextLength, ring);
//!repeat j ROW_VECS
    var s${n}_${j} = vec4<f32>(0.0);
//!end
//!end

    for (var g = 0u; g < ${K_GROUPS}u; g++) {
//!repeat n KEYS
      let affine${n} = keyAffine(k${n}, g);
//!end
      for (var i = g * K_EIGHTS; i < (g + 1u) * K_EIGHTS; i++) {
//!repeat n KEYS
        let x${n} = keyEight(k${n}, affine${n}, i);
//!end
//!repeat c 4
//!repeat j ROW_VECS
        let qa${j}_${c} = q${j}[i * 8u + ${c}u];
        let qb${j}_${c} = q${j}[i * 8u + ${c + 4}u];
//!repeat n KEYS
        s${n}_${j} += qa${j}_${c} * x${n}.a[${c}] + qb${j}_${c} * x${n}.b[${c}];
//!end
//!end
//!end
      }
    }

//!repeat n KEYS
    let keyScale${n} = keyScale(k${n});
    let valueScale${n} = valueScale(v${n});
//!end
//!repeat j ROW_VECS
    let before${j} = max${j};
//!repeat n KEYS
    s${n}_${j} = select(vec4<f32>(NEVER), s${n}_${j} * keyScale${n}, isVisible(t + ${n}, last${j}));
    max${j} = max(max${j}, s${n}_${j});
//!end
    let keep${j} = exp2(before${j} - max${j});
    sum${j} *= keep${j};
//!repeat n KEYS
    let weight${n}_${j} = select(vec4<f32>(0.0), exp2(s${n}_${j} - max${j}), s${n}_${j} > vec4<f32>(NEVER));
    let p${n}_${j} = weight${n}_${j} * valueScale${n};
    sum${j} += weight${n}_${j};
//!end
//!end

    for (var g = 0u; g < ${V_GROUPS}u; g++) {
//!repeat n KEYS
      let affine${n} = valueAffine(v${n}, g);
//!end
      for (var i = g * V_EIGHTS; i < (g + 1u) * V_EIGHTS; i++) {
//!repeat n KEYS
        let x${n} = valueEight(v${n}, affine${n}, i);
//!end
//!repeat c 4
//!repeat j ROW_VECS
        var a${j}_${c} = acc${j}[i * 8u + ${c}u] * keep${j};
        var b${j}_${c} = acc${j}[i * 8u + ${c + 4}u] * keep${j};
//!repeat n KEYS
        a${j}_${c} += p${n}_${j} * x${n}.a[${c}];
        b${j}_${c} += p${n}_${j} * x${n}.b[${c}];
//!end
        acc${j}[i * 8u + ${c}u] = a${j}_${c};
        acc${j}[i * 8u + ${c + 4}u] = b${j}_${c};
//!end
//!end
      }
    }
  }

//!repeat j ROW_VECS
  // A row that sees nothing has the sum 0 and gives zeros.
  let inverse${j} = select(vec4<f32>(0.0), 1.0 / sum${j}, sum${j} > vec4<f32>(0.0));
//!repeat c 4
  if (row${j}[${c}] < tile.endRow) {
    for (var d = 0u; d < D; d++) {
      output[at${j}_${c} + d] = acc${j}[d][${c}] * inverse${j}[${c}];
    }
  }
//!end
//!end
}
