// Multiply-add rate: CHAINS independent chains of vec4 multiply-adds in registers, no memory but one word at the end.
//
//   One invocation does rounds * 8 * CHAINS * 4 multiply-adds, two operations each.
//   NUMBER is f32 or f16. The values tend to 1 and stay normal: subnormals are slow on some CPUs.
//!if F16
enable f16;
//!end

struct Params {
  rounds: u32,
  factorBits: u32,
}

@group(0) @binding(0) var<storage, read_write> sink: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  // From a uniform, so that the compiler can fold nothing.
  let factor = vec4<${NUMBER}>(${NUMBER}(bitcast<f32>(params.factorBits)));
  let addend = vec4<${NUMBER}>(${NUMBER}(1.0)) - factor;
  // Every component differs, or a compiler would compute one for all four.
  let start = vec4f(vec4u(id.x, id.x + 3u, id.x + 7u, id.x + 12u) & vec4u(15u)) * 0.0625 + 0.5;
//!repeat c CHAINS
  var x${c} = vec4<${NUMBER}>(start + f32(${c + 1}) * 0.015625);
//!end
  for (var round = 0u; round < params.rounds; round++) {
//!repeat step 8
//!repeat c CHAINS
    x${c} = fma(x${c}, factor, addend);
//!end
//!end
  }
  var sum = vec4<${NUMBER}>();
//!repeat c CHAINS
  sum += x${c};
//!end
  if (f32(sum.x + sum.y + sum.z + sum.w) == -1.0) {
    sink[0] = id.x;
  }
}
