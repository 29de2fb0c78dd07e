// Attention as an eviction score: the probabilities that decode attention emits, summed over heads.
//
// probabilities  f32 [batch][queryHeads][probabilityStride]
// lengths        u32 [batch][lengthHeads]
// scores         f32 [batch][scoreHeads][scoreStride]
//
// score = before + weight * Σ probabilities of the query heads of the row, where `before` is 0 for the newest
// `freshTokens` of the sequence, and for all of them where nothing is accumulated: so the place of an evicted token
// starts anew. H2O accumulates per kv head with weight 1; TOVA takes the mean over all heads of the newest query.

struct Params {
  queryHeads: u32,
  scoreHeads: u32,
  lengthHeads: u32,
  probabilityStride: u32,
  scoreStride: u32,
  freshTokens: u32,
  weight: f32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probabilities: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.x;
  let row = id.y;
  let sequence = row / params.scoreHeads;
  let head = row % params.scoreHeads;
  let length = lengths[sequence * params.lengthHeads + select(0u, head, params.lengthHeads > 1u)];
  if (token >= length) {
    return;
  }
  let heads = params.queryHeads / params.scoreHeads;
  let first = (sequence * params.queryHeads + head * heads) * params.probabilityStride + token;
  var sum = 0.0;
  for (var h = 0u; h < heads; h++) {
    sum += probabilities[first + h * params.probabilityStride];
  }
  let at = row * params.scoreStride + token;
  let before = select(0.0, scores[at], token + params.freshTokens < length);
  scores[at] = before + params.weight * sum;
}
