// Smallest and largest key of each block in each channel, from the pool in any format (Quest).
//
// bounds  f32 [blocks][kvHeads][min, max][D], by physical block, so that a shared block has its bounds once
//
// A workgroup owns one page of one head and sequence, an invocation eight channels of it. `lastPages` limits the work to
// the newest pages of each sequence, all that an appended token changes; 0 does all.
//!requires prefill_kv

struct Params {
  tableStride: u32,
  tableHeads: u32,
  lastPages: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pool: array<u32>;
@group(0) @binding(2) var<storage, read> blockTable: array<u32>;
@group(0) @binding(3) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(4) var<storage, read_write> bounds: array<f32>;
//!if FORMAT == int2
@group(0) @binding(5) var<storage, read> residual: array<u32>;
@group(0) @binding(6) var<storage, read> residualSlots: array<u32>;
//!end

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) i: u32) {
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let table = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  let length = contextLengths[table];
  let pages = (length + BLOCK_SIZE - 1u) / BLOCK_SIZE;
  let skipped = select(0u, pages - min(pages, params.lastPages), params.lastPages > 0u);
  let page = skipped + workgroup.x;
  if (page >= pages || i >= ${HEAD_DIM / 8}u) {
    return;
  }
  let block = blockTable[table * params.tableStride + page];
//!if FORMAT == int2
  let ring = residualSlots[sequence];
//!else
  let ring = 0u;
//!end
  var low = Eight(vec4<f32>(3.0e38), vec4<f32>(3.0e38));
  var high = Eight(vec4<f32>(-3.0e38), vec4<f32>(-3.0e38));
  let end = min((page + 1u) * BLOCK_SIZE, length);
  for (var t = page * BLOCK_SIZE; t < end; t++) {
    let k = keyAt(block, kvHead, t, length, ring);
    let x = keyEight(k, keyAffine(k, i / ${HEAD_DIM / 8 / K_GROUPS}u), i);
    let scale = keyScale(k);
    low = Eight(min(low.a, x.a * scale), min(low.b, x.b * scale));
    high = Eight(max(high.a, x.a * scale), max(high.b, x.b * scale));
  }
  let at = (block * ${KV_HEADS}u + kvHead) * ${2 * HEAD_DIM}u + i * 8u;
//!repeat c 4
  bounds[at + ${c}u] = low.a[${c}];
  bounds[at + ${c + 4}u] = low.b[${c}];
  bounds[at + ${HEAD_DIM + c}u] = high.a[${c}];
  bounds[at + ${HEAD_DIM + c + 4}u] = high.b[${c}];
//!end
}
