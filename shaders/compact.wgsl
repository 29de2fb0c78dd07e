// Compaction inside one pool: token rows move to the holes that eviction left, K, V and their parameters together.
//
// pool    u32, one layer's blocks (src/core/kv/formats.ts), bound once for reading and writing
// moves   u32 [rows][moveStride][2]: (from, to), token positions behind the block table
// counts  u32 [rows][2]: entries kept; moves
//
// A row is a sequence (all its heads move alike) or one kv head of a sequence. No position is both source and
// destination, so all moves run at once (src/core/eviction/moves.ts). A workgroup owns MOVES_PER_GROUP moves of one head.
// Words are copied as they are, so the kernel knows no format; where parameters belong to several tokens (int2) single
// tokens cannot move, and the launcher refuses.

struct Params {
  tableStride: u32,
  tableHeads: u32,
  moveStride: u32,
  moveHeads: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> pool: array<u32>;
@group(0) @binding(2) var<storage, read> blockTable: array<u32>;
@group(0) @binding(3) var<storage, read> moves: array<u32>;
@group(0) @binding(4) var<storage, read> counts: array<u32>;

const BLOCK_SIZE = ${BLOCK_SIZE}u;
const K_PARAMS = ${K_SLOT_PARAMS}u;
const K_WORDS = K_PARAMS + ${K_ROW_WORDS}u;
const V_PARAMS = ${V_SLOT_PARAMS}u;
const WORDS = K_WORDS + V_PARAMS + ${V_ROW_WORDS}u;
const THREADS = 64u;
const MOVES_PER_GROUP = ${MOVES_PER_GROUP}u;

/** Word `w` of a token: its K parameters, its K row, its V parameters, its V row. */
fn wordAt(block: u32, kvHead: u32, slot: u32, w: u32) -> u32 {
  let base = block * ${BLOCK_WORDS}u;
  let k = base + kvHead * ${K_REGION_WORDS}u;
  if (w < K_PARAMS) {
    return k + slot * K_PARAMS + w;
  }
  if (w < K_WORDS) {
    return k + ${K_PARAM_WORDS}u + slot * ${K_ROW_WORDS}u + w - K_PARAMS;
  }
  let v = base + ${KV_HEADS * K_REGION_WORDS}u + kvHead * ${V_REGION_WORDS}u;
  if (w < K_WORDS + V_PARAMS) {
    return v + slot * V_PARAMS + w - K_WORDS;
  }
  return v + ${V_PARAM_WORDS}u + slot * ${V_ROW_WORDS}u + w - K_WORDS - V_PARAMS;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let row = sequence * params.moveHeads + select(0u, kvHead, params.moveHeads > 1u);
  let table = (sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u)) * params.tableStride;
  let end = min(counts[row * 2u + 1u], (workgroup.x + 1u) * MOVES_PER_GROUP);
  for (var m = workgroup.x * MOVES_PER_GROUP; m < end; m++) {
    let at = (row * params.moveStride + m) * 2u;
    let source = moves[at];
    let destination = moves[at + 1u];
    let sourceBlock = blockTable[table + source / BLOCK_SIZE];
    let targetBlock = blockTable[table + destination / BLOCK_SIZE];
    for (var w = thread; w < WORDS; w += THREADS) {
      let word = pool[wordAt(sourceBlock, kvHead, source % BLOCK_SIZE, w)];
      pool[wordAt(targetBlock, kvHead, destination % BLOCK_SIZE, w)] = word;
    }
  }
}
