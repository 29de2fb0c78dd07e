// Votes pooled over neighbouring tokens (SnapKV): the average, which pads with zeros and divides by the kernel's width,
// or the maximum of the neighbours there are. Only the tokens before the observation window take part.
//
// votes, pooled  f32 [rows][scoreStride]      lengths  u32 [rows / rowsPerLength]

struct Params {
  rowsPerLength: u32,
  scoreStride: u32,
  window: u32,
  reach: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> votes: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> pooled: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let token = id.x;
  let row = id.y;
  let length = lengths[row / params.rowsPerLength];
  let prefix = length - min(length, params.window);
  if (token >= prefix) {
    return;
  }
  let base = row * params.scoreStride;
  let end = min(token + params.reach, prefix - 1u);
  var sum = 0.0;
  var most = -3.0e38;
  for (var t = token - min(token, params.reach); t <= end; t++) {
    sum += votes[base + t];
    most = max(most, votes[base + t]);
  }
//!if KIND == avg
  pooled[base + token] = sum / f32(2u * params.reach + 1u);
//!else
  pooled[base + token] = most;
//!end
}
