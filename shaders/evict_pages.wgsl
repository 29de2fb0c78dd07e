// Mean of the scores of each block's tokens, and over heads where they share a block table.
//
// tokenScores  f32 [batch][tokenHeads][tokenStride]
// lengths      u32 [batch]
// pageScores   f32 [batch][pageHeads][pageStride], pageHeads 1 or tokenHeads
// One invocation a page, summing in order.

struct Params {
  tokenHeads: u32,
  pageHeads: u32,
  tokenStride: u32,
  pageStride: u32,
  blockSize: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> tokenScores: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> pageScores: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let page = id.x;
  let row = id.y;
  let sequence = row / params.pageHeads;
  let first = page * params.blockSize;
  let end = min(first + params.blockSize, lengths[sequence]);
  if (first >= end) {
    return;
  }
  let heads = params.tokenHeads / params.pageHeads;
  let firstHead = sequence * params.tokenHeads + row % params.pageHeads * heads;
  var sum = 0.0;
  for (var h = firstHead; h < firstHead + heads; h++) {
    for (var token = first; token < end; token++) {
      sum += tokenScores[h * params.tokenStride + token];
    }
  }
  pageScores[row * params.pageStride + page] = sum / f32((end - first) * heads);
}
