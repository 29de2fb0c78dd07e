// Chunked causal prefill attention over the paged KV cache, for GPUs: tiles of keys and values in workgroup memory.
//
// query   f32 [T][Hq][D]   the last tokens of each sequence, sequences one after another (queryStarts u32 [B + 1])
// pool    u32              one layer's blocks (src/core/kv/formats.ts)
// output  f32 [T][Hq][D]
//
// A workgroup of 8 × 8 invocations owns 32 packed rows of one kv head and sequence (packed row r is token r / G, query
// head kvHead * G + r % G) and walks over the keys 32 at a time:
//   scores  invocation (x, y) owns 4 rows × 4 keys in registers; queries and keys come DIMS channels at a time, transposed,
//           through `stage`
//   softmax the running maximum of a row is shared through `reduced`; each invocation sums its own keys till the end
//   output  probabilities go through `probabilities`, values VALUE_KEYS keys at a time through `stage`; invocation (x, y)
//           owns 4 rows × channels 16c + 2x, 16c + 2x + 1 in registers
// Every K and V element is decoded once for 32 rows. No subgroup operation, so one text serves every tier.
//
// Numerics: f32, online softmax in base 2. Workgroup memory: 13 KiB. Set by the launcher: GROUP, DIMS (a divisor of the
// head dimension), VALUE_KEYS (a divisor of 32), and the constants of lib/prefill_kv.wgsl.
//!requires prefill_params
//!requires prefill_kv

const D = ${HEAD_DIM}u;
const G = ${GROUP}u;
const HQ = ${GROUP * KV_HEADS}u;
const DIMS = ${DIMS}u;
const VALUE_KEYS = ${VALUE_KEYS}u;
const NEVER = -3.0e38;

var<workgroup> sharedTile: TileRange;
// Queries [DIMS][32 rows] and keys [DIMS][32 keys], or values [VALUE_KEYS][D].
var<workgroup> stage: array<f32, 2048>;
// [32 keys][32 rows], four rows a vector
var<workgroup> probabilities: array<vec4<f32>, 256>;
// [8 x][32 rows], four rows a vector
var<workgroup> reduced: array<vec4<f32>, 64>;

fn rowStart(tile: TileRange, row: u32, kvHead: u32) -> u32 {
  // Rows beyond the end read the last row; they are never stored.
  let token = min(row / G, tile.queryTokens - 1u);
  return ((tile.queryStart + token) * HQ + kvHead * G + row % G) * D;
}

fn stored(at: u32) -> vec4<f32> {
  return vec4(stage[at], stage[at + 1u], stage[at + 2u], stage[at + 3u]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let sequence = workgroup.z;
  let kvHead = params.firstHead + workgroup.y;
  if (thread == 0u) {
    sharedTile = tileRange(sequence, kvHead, workgroup.x * 32u, 32u, G);
  }
  let tile = workgroupUniformLoad(&sharedTile);
  if (tile.rows == 0u) {
    return;
  }
  let x = thread % 8u;
  let y = thread / 8u;
  let rows = vec4<u32>(tile.firstRow + y * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
  // Keys at or before `last` are visible; rows that do not exist see nothing.
  let last = select(vec4<i32>(-1), vec4<i32>(rows / G) + tile.firstPosition, rows < vec4<u32>(tile.endRow));
  let table = tableStart(sequence, kvHead);
//!if FORMAT == int2
  let ring = residualSlots[sequence];
//!else
  let ring = 0u;
//!end

  var most = vec4<f32>(NEVER);
  var sum = vec4<f32>(0.0);
//!repeat c HEAD_DIM / 16
//!repeat r 4
  var o${c}_${r} = vec2<f32>(0.0);
//!end
//!end

  // What this invocation stages: half the channels of one query row and of one key.
  let lane = thread % 32u;
  let half = thread / 32u;
  let queryAt = rowStart(tile, tile.firstRow + lane, kvHead);
  let windowFirst = max(tile.windowStart, 0) / 32 * 32;

  for (var t = 0; t <= tile.lastPosition; t += 32) {
    // Between the sinks and the window of the tile's first row nothing is visible to any row.
    if (t >= params.sinkTokens && t < windowFirst) {
      t = windowFirst;
    }
    // Beyond the last visible token the row of that token is read again, and never counted.
    let keyToken = u32(min(t + i32(lane), tile.lastPosition));
    let k = keyAt(blockTable[table + keyToken / BLOCK_SIZE], kvHead, keyToken, tile.contextLength, ring);
    let scale = keyScale(k);
//!repeat r 4
    var s${r} = vec4<f32>(0.0);
//!end
    for (var d = 0u; d < D; d += DIMS) {
      for (var i = half * (DIMS / 2u); i < (half + 1u) * (DIMS / 2u); i++) {
        stage[i * 32u + lane] = query[queryAt + d + i] * params.scale;
      }
      for (var i = half * (DIMS / 16u); i < (half + 1u) * (DIMS / 16u); i++) {
        let e = d / 8u + i;
        let values = keyEight(k, keyAffine(k, e / ${HEAD_DIM / 8 / K_GROUPS}u), e);
//!repeat c 4
        stage[(DIMS + i * 8u + ${c}u) * 32u + lane] = values.a[${c}] * scale;
        stage[(DIMS + i * 8u + ${c + 4}u) * 32u + lane] = values.b[${c}] * scale;
//!end
      }
      workgroupBarrier();
      for (var i = 0u; i < DIMS; i++) {
        let q = stored(i * 32u + y * 4u);
        let keys = stored((DIMS + i) * 32u + x * 4u);
//!repeat r 4
        s${r} += q[${r}] * keys;
//!end
      }
      workgroupBarrier();
    }

    let tokens = vec4<i32>(t + i32(x) * 4) + vec4<i32>(0, 1, 2, 3);
    let sinks = tokens < vec4<i32>(params.sinkTokens);
//!repeat r 4
    let visible${r} = (tokens <= vec4<i32>(last[${r}])) & ((tokens > vec4<i32>(last[${r}] - params.windowTokens)) | sinks);
    s${r} = select(vec4<f32>(NEVER), s${r}, visible${r});
    let most${r} = max(max(s${r}.x, s${r}.y), max(s${r}.z, s${r}.w));
//!end
    reduced[x * 8u + y] = vec4(most0, most1, most2, most3);
    workgroupBarrier();
    let before = most;
    for (var i = 0u; i < 8u; i++) {
      most = max(most, reduced[i * 8u + y]);
    }
    let keep = exp2(before - most);
//!repeat r 4
    let p${r} = select(vec4<f32>(0.0), exp2(s${r} - most[${r}]), visible${r});
//!end
    sum = sum * keep + vec4(dot(p0, vec4(1.0)), dot(p1, vec4(1.0)), dot(p2, vec4(1.0)), dot(p3, vec4(1.0)));
//!repeat c 4
    probabilities[(x * 4u + ${c}u) * 8u + y] = vec4(p0[${c}], p1[${c}], p2[${c}], p3[${c}]);
//!end
//!repeat c HEAD_DIM / 16
//!repeat r 4
    o${c}_${r} *= keep[${r}];
//!end
//!end

    for (var first = 0u; first < 32u; first += VALUE_KEYS) {
      for (var i = thread; i < VALUE_KEYS * (D / 8u); i += 64u) {
        let e = i % (D / 8u);
        let token = u32(min(t + i32(first + i / (D / 8u)), tile.lastPosition));
        let v = valueAt(blockTable[table + token / BLOCK_SIZE], kvHead, token, tile.contextLength, ring);
        let values = valueEight(v, valueAffine(v, e / ${HEAD_DIM / 8 / V_GROUPS}u), e);
        let factor = valueScale(v);
//!repeat c 4
        stage[i * 8u + ${c}u] = values.a[${c}] * factor;
        stage[i * 8u + ${c + 4}u] = values.b[${c}] * factor;
//!end
      }
      workgroupBarrier();
      for (var n = 0u; n < VALUE_KEYS; n++) {
        let p = probabilities[(first + n) * 8u + y];
        let at = n * D + x * 2u;
//!repeat c HEAD_DIM / 16
        let v${c} = vec2(stage[at + ${c * 16}u], stage[at + ${c * 16 + 1}u]);
//!repeat r 4
        o${c}_${r} += p[${r}] * v${c};
//!end
//!end
      }
      workgroupBarrier();
    }
  }

  reduced[x * 8u + y] = sum;
  workgroupBarrier();
  var total = vec4<f32>(0.0);
  for (var i = 0u; i < 8u; i++) {
    total += reduced[i * 8u + y];
  }
  // A row that sees nothing has the sum 0 and gives zeros.
  let inverse = select(vec4<f32>(0.0), 1.0 / total, total > vec4<f32>(0.0));
//!repeat r 4
  if (rows[${r}] < tile.endRow) {
    let at = rowStart(tile, rows[${r}], kvHead) + x * 2u;
//!repeat c HEAD_DIM / 16
    output[at + ${c * 16}u] = o${c}_${r}.x * inverse[${r}];
    output[at + ${c * 16 + 1}u] = o${c}_${r}.y * inverse[${r}];
//!end
  }
//!end
}
