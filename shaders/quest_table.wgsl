// From the selected pages to a block table and lengths of their own for each head, which decode attention then reads.
//
// kept           u32 [batch][kvHeads][keptStride], ascending, the newest page last     counts  u32 [batch][kvHeads][2]
// selectedTable  u32 [batch][kvHeads][keptStride]                                      selectedLengths u32 [batch][kvHeads]
// One invocation an entry. Only the newest page may be partial, and it stays the last.

struct Params {
  tableStride: u32,
  tableHeads: u32,
  kvHeads: u32,
  keptStride: u32,
  blockSize: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> kept: array<u32>;
@group(0) @binding(2) var<storage, read> counts: array<u32>;
@group(0) @binding(3) var<storage, read> blockTable: array<u32>;
@group(0) @binding(4) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(5) var<storage, read_write> selectedTable: array<u32>;
@group(0) @binding(6) var<storage, read_write> selectedLengths: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let row = id.y;
  let sequence = row / params.kvHeads;
  let table = sequence * params.tableHeads + select(0u, row % params.kvHeads, params.tableHeads > 1u);
  let count = counts[row * 2u];
  if (id.x < count) {
    let at = row * params.keptStride + id.x;
    selectedTable[at] = blockTable[table * params.tableStride + kept[at]];
  }
  if (id.x == 0u) {
    let length = contextLengths[table];
    let pages = (length + params.blockSize - 1u) / params.blockSize;
    selectedLengths[row] = length - (pages - count) * params.blockSize;
  }
}
