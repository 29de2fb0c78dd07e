// The scores of the tokens that `compact` moves, moved by the same list.
//
// scores  f32 [rows][scoreStride]      moves  u32 [rows][moveStride][2]      counts  u32 [rows][2]
// One invocation a move; no position is both source and destination.

struct Params {
  rows: u32,
  scoreStride: u32,
  moveStride: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;
@group(0) @binding(2) var<storage, read> moves: array<u32>;
@group(0) @binding(3) var<storage, read> counts: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(workgroup_id) workgroup: vec3<u32>) {
  let row = workgroup.y;
  if (id.x < counts[row * 2u + 1u]) {
    let at = (row * params.moveStride + id.x) * 2u;
    scores[row * params.scoreStride + moves[at + 1u]] = scores[row * params.scoreStride + moves[at]];
  }
}
