// Norms as an eviction score, read from the pool in any format: −‖key‖ (key norm), or ‖value‖ / ‖key‖ (PagedEviction).
//
// scores  f32 [batch][kvHeads][scoreStride]
//
// A workgroup owns 8 tokens of one head and sequence; 8 invocations share a token, each sums every eighth run of eight
// channels, and the first of them adds up. One barrier.
//!requires prefill_kv

struct Params {
  tableStride: u32,
  tableHeads: u32,
  scoreStride: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pool: array<u32>;
@group(0) @binding(2) var<storage, read> blockTable: array<u32>;
@group(0) @binding(3) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(4) var<storage, read_write> scores: array<f32>;
//!if FORMAT == int2
@group(0) @binding(5) var<storage, read> residual: array<u32>;
@group(0) @binding(6) var<storage, read> residualSlots: array<u32>;
//!end

const EIGHTS = ${HEAD_DIM / 8}u;

var<workgroup> partial: array<vec2<f32>, 64>;

fn squares(x: Eight) -> f32 {
  return dot(x.a, x.a) + dot(x.b, x.b);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let kvHead = workgroup.y;
  let sequence = workgroup.z;
  let table = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  let length = contextLengths[table];
  let token = workgroup.x * 8u + thread / 8u;
  var sums = vec2<f32>(0.0);
  if (token < length) {
    let block = blockTable[table * params.tableStride + token / BLOCK_SIZE];
//!if FORMAT == int2
    let ring = residualSlots[sequence];
//!else
    let ring = 0u;
//!end
    let k = keyAt(block, kvHead, token, length, ring);
//!if VALUES
    let v = valueAt(block, kvHead, token, length, ring);
//!end
    for (var i = thread % 8u; i < EIGHTS; i += 8u) {
      sums.x += squares(keyEight(k, keyAffine(k, i / ${HEAD_DIM / 8 / K_GROUPS}u), i));
//!if VALUES
      sums.y += squares(valueEight(v, valueAffine(v, i / ${HEAD_DIM / 8 / V_GROUPS}u), i));
//!end
    }
    sums.x *= keyScale(k) * keyScale(k);
//!if VALUES
    sums.y *= valueScale(v) * valueScale(v);
//!end
  }
  partial[thread] = sums;
  workgroupBarrier();
  if (thread % 8u == 0u && token < length) {
    var total = vec2<f32>(0.0);
    for (var i = 0u; i < 8u; i++) {
      total += partial[thread + i];
    }
    let at = (sequence * ${KV_HEADS}u + kvHead) * params.scoreStride + token;
//!if VALUES
    scores[at] = select(0.0, sqrt(total.y) / sqrt(total.x), total.x > 0.0);
//!else
    scores[at] = -sqrt(total.x);
//!end
  }
}
