// Turns rows before they are rounded and back behind it, in place: a planted outlier channel, a Hadamard rotation.
//
//   rows   f32 [rows][HEADS][D]
//
// Forward: channel OUTLIER of every head times GAIN, then H·x in blocks of HADAMARD channels (1: none). Back: H·x again,
// which undoes it, then OUTLIER divided by GAIN. H is Sylvester's, orthonormal. One lane owns one head of one row.
//
// For experiments, not for serving: the transform runs in one lane's registers. Numerics: f32.
//
// Set with the pipeline: HEADS, D, BACK, OUTLIER, HADAMARD; overrides GAIN, NORM = 1/√HADAMARD.

struct Params {
  rows: u32,
}

override GAIN: f32;
override NORM: f32;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> rows: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) workgroups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let row = (workgroup.y * workgroups.x + workgroup.x) * 64u + index;
  if row >= params.rows * ${HEADS}u {
    return;
  }
  let first = row * ${D}u;
//!if !BACK
  rows[first + ${OUTLIER}u] = rows[first + ${OUTLIER}u] * GAIN;
//!end
//!if HADAMARD != 1
  var x: array<f32, ${D}>;
  for (var i = 0u; i < ${D}u; i++) {
    x[i] = rows[first + i];
  }
  for (var half = 1u; half < ${HADAMARD}u; half *= 2u) {
    for (var i = 0u; i < ${D}u; i++) {
      if (i & half) == 0u {
        let a = x[i];
        let b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  for (var i = 0u; i < ${D}u; i++) {
    rows[first + i] = x[i] * NORM;
  }
//!end
//!if BACK
  rows[first + ${OUTLIER}u] = rows[first + ${OUTLIER}u] / GAIN;
//!end
}
