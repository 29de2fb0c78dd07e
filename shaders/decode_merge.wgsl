// Joins the splits of decode attention: one workgroup owns one query head of one sequence.
//
//   partials f32 [batch * queryHeads][splits][HEAD_DIM], lse f32 [batch * queryHeads][splits]: from paged_decode
//   output  f32 [batch * queryHeads][HEAD_DIM]
//   lse[LSE_TOTALS + row] receives the joined log-sum, for decode_scores
//
// Only the splits that the sequence's length reaches are read. No barrier: each lane joins its own channels and repeats
// the few exponentials.
struct Params {
  tableHeads: u32,
  splits: u32,
  tokensPerSplit: u32,
  windowTokens: u32,
  sinkTokens: u32,
  totalsOffset: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> contextLengths: array<u32>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> lse: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<f32>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let head = workgroup.x;
  let sequence = workgroup.y;
  let row = sequence * ${QUERY_HEADS}u + head;
  let tableHead = select(0u, head / ${GROUP}u, params.tableHeads > 1u);
  let length = contextLengths[sequence * params.tableHeads + tableHead];
  let seen = select(length, min(length, params.windowTokens + params.sinkTokens), params.windowTokens > 0u);
  let used = clamp((seen + params.tokensPerSplit - 1u) / params.tokensPerSplit, 1u, params.splits);
  let at = row * params.splits;

  var largest = -3.0e38;
  for (var s = 0u; s < used; s++) { largest = max(largest, lse[at + s]); }
  var total = 0.0;
  for (var s = 0u; s < used; s++) { total += exp2(lse[at + s] - largest); }
  for (var channel = index; channel < ${HEAD_DIM}u; channel += ${WORKGROUP}u) {
    var mean = 0.0;
    for (var s = 0u; s < used; s++) {
      mean += exp2(lse[at + s] - largest) * partials[(at + s) * ${HEAD_DIM}u + channel];
    }
    output[row * ${HEAD_DIM}u + channel] = mean / total;
  }
  if (index == 0u) { lse[params.totalsOffset + row] = largest + log2(total); }
}
