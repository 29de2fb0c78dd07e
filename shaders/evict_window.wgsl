// Votes of the last queries of a prompt for the tokens of the cache: attention probabilities summed over an observation
// window (SnapKV), or over all queries of a step (H2O's sums of a prompt).
//
// query   f32 [T][Hq][D], the last tokens of each sequence (queryStarts u32 [B + 1]), as in prefill attention
// stats   f32 [B][kvHeads][window * G][chunks][2]: maximum and sum of 2^(score − maximum) of each query row and chunk
// votes   f32 [B][kvHeads][scoreStride]
//
// Two passes over the keys, PHASE stats and PHASE votes, so that no matrix of probabilities is stored. Keys are cut into
// chunks of CHUNK tokens. As in prefill_rows, a lane owns 4 packed rows (token * G + head of the group) and all lanes
// read the same key. A vote is votes before + weight * Σ over rows; before is 0 for tokens of this step.
//!requires prefill_kv

struct Params {
  tableStride: u32,
  tableHeads: u32,
  // At most so many last queries of each sequence vote.
  window: u32,
  chunks: u32,
  firstChunk: u32,
  scoreStride: u32,
  // 1: votes are added to what stands there; 0: they replace it.
  accumulate: u32,
  scale: f32,
  weight: f32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> pool: array<u32>;
@group(0) @binding(3) var<storage, read> blockTable: array<u32>;
@group(0) @binding(4) var<storage, read> queryStarts: array<u32>;
@group(0) @binding(5) var<storage, read> contextLengths: array<u32>;
//!if PHASE == stats
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>;
//!else
@group(0) @binding(6) var<storage, read> stats: array<vec2<f32>>;
//!end
//!if FORMAT == int2
@group(0) @binding(7) var<storage, read> residual: array<u32>;
@group(0) @binding(8) var<storage, read> residualSlots: array<u32>;
//!end
//!if PHASE == votes
@group(0) @binding(9) var<storage, read_write> votes: array<f32>;
//!end

const D = ${HEAD_DIM}u;
const G = ${GROUP}u;
const HQ = ${GROUP * KV_HEADS}u;
const LANES = ${LANES}u;
const TILE_ROWS = ${LANES * 4}u;
const CHUNK = ${CHUNK}u;
const NEVER = -3.0e38;

var<private> q: array<vec4<f32>, D>;

//!if PHASE == votes
// Each lane adds up in a column of its own; they meet behind the only barrier.
var<workgroup> columns: array<f32, ${CHUNK * LANES}>;
//!end

struct Window {
  queryStart: u32,
  queryTokens: u32,
  // Queries that vote, the last ones.
  voters: u32,
  length: u32,
  ring: u32,
};

fn windowOf(sequence: u32, kvHead: u32) -> Window {
  var window: Window;
  window.queryStart = queryStarts[sequence];
  window.queryTokens = queryStarts[sequence + 1u] - window.queryStart;
  window.length = contextLengths[sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u)];
  window.voters = select(min(params.window, window.queryTokens), 0u, window.length < window.queryTokens);
//!if FORMAT == int2
  window.ring = residualSlots[sequence];
//!end
  return window;
}

/** Positions of the four rows; −1 for rows that do not exist. */
fn positionsOf(window: Window, rows: vec4<u32>) -> vec4<i32> {
  let first = i32(window.length) - i32(window.voters);
  return select(vec4<i32>(-1), vec4<i32>(rows / G) + first, rows < vec4<u32>(window.voters * G));
}

fn loadQueries(window: Window, kvHead: u32, rows: vec4<u32>) {
  let tokens = min(rows / G, vec4<u32>(max(window.voters, 1u) - 1u)) + (window.queryStart + window.queryTokens - window.voters);
  let at = (tokens * HQ + kvHead * G + rows % G) * D;
  for (var d = 0u; d < D; d++) {
    q[d] = vec4(query[at[0] + d], query[at[1] + d], query[at[2] + d], query[at[3] + d]) * params.scale;
  }
}

/** Scores of four rows with one key, in base 2. */
fn scoresOf(window: Window, table: u32, kvHead: u32, token: u32) -> vec4<f32> {
  let block = blockTable[table * params.tableStride + token / BLOCK_SIZE];
  let k = keyAt(block, kvHead, token, window.length, window.ring);
  var s = vec4<f32>(0.0);
  for (var g = 0u; g < ${K_GROUPS}u; g++) {
    let affine = keyAffine(k, g);
    for (var i = g * ${HEAD_DIM / 8 / K_GROUPS}u; i < (g + 1u) * ${HEAD_DIM / 8 / K_GROUPS}u; i++) {
      let x = keyEight(k, affine, i);
//!repeat c 4
      s += q[i * 8u + ${c}u] * x.a[${c}] + q[i * 8u + ${c + 4}u] * x.b[${c}];
//!end
    }
  }
  return s * keyScale(k);
}

fn rowsOf(tile: u32, lane: u32) -> vec4<u32> {
  return vec4<u32>(tile * TILE_ROWS + lane) + vec4<u32>(0u, 1u, 2u, 3u) * LANES;
}

fn statsAt(sequence: u32, kvHead: u32, row: u32, chunk: u32) -> u32 {
  return (((sequence * ${KV_HEADS}u + kvHead) * params.window * G) + row) * params.chunks + chunk;
}

//!if PHASE == stats
@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) lane: u32,
) {
  // x: tiles of one chunk after another
  let tiles = (params.window * G + TILE_ROWS - 1u) / TILE_ROWS;
  let chunk = params.firstChunk + workgroup.x / tiles;
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let window = windowOf(sequence, kvHead);
  let rows = rowsOf(workgroup.x % tiles, lane);
  let last = positionsOf(window, rows);
  let table = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  loadQueries(window, kvHead, rows);
  var most = vec4<f32>(NEVER);
  var sum = vec4<f32>(0.0);
  let end = min((chunk + 1u) * CHUNK, window.length);
  for (var t = chunk * CHUNK; t < end; t++) {
    let visible = vec4<i32>(i32(t)) <= last;
    let s = select(vec4<f32>(NEVER), scoresOf(window, table, kvHead, t), visible);
    let before = most;
    most = max(most, s);
    sum = sum * exp2(before - most) + select(vec4<f32>(0.0), exp2(s - most), visible);
  }
//!repeat c 4
  if (rows[${c}] < params.window * G) {
    stats[statsAt(sequence, kvHead, rows[${c}], chunk)] = vec2(most[${c}], sum[${c}]);
  }
//!end
}
//!else
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let chunk = params.firstChunk + workgroup.x;
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let window = windowOf(sequence, kvHead);
  let table = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  let first = chunk * CHUNK;
  let end = min(first + CHUNK, window.length);
  for (var t = 0u; t < CHUNK; t++) {
    columns[t * LANES + lane] = 0.0;
  }
  let tiles = (window.voters * G + TILE_ROWS - 1u) / TILE_ROWS;
  for (var tile = 0u; tile < tiles; tile++) {
    let rows = rowsOf(tile, lane);
    let last = positionsOf(window, rows);
    loadQueries(window, kvHead, rows);
    var most = vec4<f32>(NEVER);
    var sum = vec4<f32>(0.0);
    for (var c = 0u; c < (window.length + CHUNK - 1u) / CHUNK; c++) {
      // Rows beyond the end read row 0, and see nothing.
      let clamped = select(vec4<u32>(0u), rows, rows < vec4<u32>(window.voters * G));
      let a = stats[statsAt(sequence, kvHead, clamped[0], c)];
      let b = stats[statsAt(sequence, kvHead, clamped[1], c)];
      let d = stats[statsAt(sequence, kvHead, clamped[2], c)];
      let e = stats[statsAt(sequence, kvHead, clamped[3], c)];
      let before = most;
      let peaks = vec4(a.x, b.x, d.x, e.x);
      most = max(most, peaks);
      sum = sum * exp2(before - most) + vec4(a.y, b.y, d.y, e.y) * exp2(peaks - most);
    }
    for (var t = first; t < end; t++) {
      let visible = vec4<i32>(i32(t)) <= last;
      let s = scoresOf(window, table, kvHead, t);
      let p = select(vec4<f32>(0.0), exp2(s - most) / sum, visible);
      columns[(t - first) * LANES + lane] += p.x + p.y + p.z + p.w;
    }
  }
  workgroupBarrier();
  for (var t = first + lane; t < end; t += LANES) {
    var total = 0.0;
    for (var l = 0u; l < LANES; l++) {
      total += columns[(t - first) * LANES + l];
    }
    let at = (sequence * ${KV_HEADS}u + kvHead) * params.scoreStride + t;
    let before = select(0.0, votes[at], params.accumulate == 1u && t + window.queryTokens < window.length);
    votes[at] = before + params.weight * total;
  }
}
//!end
