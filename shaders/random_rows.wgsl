// Rows of random numbers that look like keys, values and queries: near normal, with a few outlier channels a head.
//
//   out      f32 [rows][HEADS][HEAD_DIM]
//   One invocation writes one element. Integer hashing and one multiplication, so that every device writes the same
//   bits as the twin (src/gpu/kernels/random-rows.ts): the sum of four 16-bit uniforms (Irwin-Hall), variance 1.
//   An outlier channel belongs to its head, as in real keys (KIVI, arXiv:2402.02750): every 32nd on average,
//   `outlier` times as large.
struct Params {
  elements: u32,
  seed: u32,
  outlier: f32,
  /** Invocations of one row of workgroups, where one dimension does not hold them all. */
  stride: u32,
}

@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

// lowbias32 by Chris Wellons, public domain.
fn hash(value: u32) -> u32 {
  var x = value;
  x ^= x >> 16u;
  x *= 0x7feb352du;
  x ^= x >> 15u;
  x *= 0x846ca68bu;
  x ^= x >> 16u;
  return x;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.y * params.stride + id.x;
  if (i >= params.elements) {
    return;
  }
  let a = hash(i ^ params.seed);
  let b = hash(a + 0x9e3779b9u);
  let sum = (a & 0xffffu) + (a >> 16u) + (b & 0xffffu) + (b >> 16u);
  // sqrt(3) / 65536
  let normal = (f32(sum) - 131070.0) * 0.0000264289;
  let channel = i % ${HEADS * HEAD_DIM}u;
  let isOutlier = (hash(channel + 0x51ed270bu) & 31u) == 0u;
  out[i] = select(normal, normal * params.outlier, isOutlier);
}
