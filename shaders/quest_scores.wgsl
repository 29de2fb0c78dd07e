// Upper bound of query · key over each page (Quest): Σ max(q·min, q·max), the largest over the heads of a query group.
//
// query       f32 [batch][Hq][D]
// bounds      f32 [blocks][kvHeads][min, max][D]
// pageScores  f32 [batch][kvHeads][pageStride]
//
// A workgroup owns 8 pages of one head and sequence; 8 invocations share a page. One barrier.

struct Params {
  tableStride: u32,
  tableHeads: u32,
  pageStride: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> query: array<f32>;
@group(0) @binding(2) var<storage, read> bounds: array<f32>;
@group(0) @binding(3) var<storage, read> blockTable: array<u32>;
@group(0) @binding(4) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(5) var<storage, read_write> pageScores: array<f32>;

const D = ${HEAD_DIM}u;
const G = ${GROUP}u;

var<workgroup> partial: array<f32, ${64 * GROUP}>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let table = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  let pages = (contextLengths[table] + ${BLOCK_SIZE - 1}u) / ${BLOCK_SIZE}u;
  let page = workgroup.x * 8u + thread / 8u;
//!repeat g GROUP
  var sum${g} = 0.0;
//!end
  if (page < pages) {
    let at = (blockTable[table * params.tableStride + page] * ${KV_HEADS}u + kvHead) * 2u * D;
    let first = (sequence * ${GROUP * KV_HEADS}u + kvHead * G) * D;
    for (var c = thread % 8u; c < D; c += 8u) {
      let low = bounds[at + c];
      let high = bounds[at + D + c];
//!repeat g GROUP
      let q${g} = query[first + ${g}u * D + c];
      sum${g} += max(q${g} * low, q${g} * high);
//!end
    }
  }
//!repeat g GROUP
  partial[thread * G + ${g}u] = sum${g};
//!end
  workgroupBarrier();
  if (thread % 8u == 0u && page < pages) {
    var most = -3.0e38;
    for (var g = 0u; g < G; g++) {
      var total = 0.0;
      for (var i = 0u; i < 8u; i++) {
        total += partial[(thread + i) * G + g];
      }
      most = max(most, total);
    }
    pageScores[(sequence * ${KV_HEADS}u + kvHead) * params.pageStride + page] = most;
  }
}
