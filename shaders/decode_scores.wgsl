// Turns the raw scores of paged_decode into probabilities, in place: one invocation a position of one query head.
//
//   scores f32 [batch][queryHeads][scoreStride]: log2-scaled scores in, softmax probabilities out; 0 where the query
//          sees nothing (beyond the length, or between the sinks and the window)
//   lse[totalsOffset + row]: log2 Σ 2^score of the row
struct Params {
  tableHeads: u32,
  windowTokens: u32,
  sinkTokens: u32,
  scoreStride: u32,
  totalsOffset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(2) var<storage, read> lse: array<f32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let position = id.x;
  if (position >= params.scoreStride) { return; }
  let row = id.z * ${QUERY_HEADS}u + id.y;
  let tableHead = select(0u, id.y / ${GROUP}u, params.tableHeads > 1u);
  let length = contextLengths[id.z * params.tableHeads + tableHead];
  let inWindow = params.windowTokens == 0u || position + params.windowTokens >= length;
  let visible = position < length && (inWindow || position < params.sinkTokens);
  let at = row * params.scoreStride + position;
  scores[at] = select(0.0, exp2(scores[at] - lse[params.totalsOffset + row]), visible);
}
