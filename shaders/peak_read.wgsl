// Read bandwidth: reads a buffer once, neighbouring lanes reading neighbouring elements, and keeps next to nothing.
//
//   data    array of u32 or vec4<u32> (WIDE), read from `first` on
//   sink    one word, written never (the sum equals `never` with the probability 2^-32), so that no load can be dropped
//
// One workgroup of THREADS lanes owns THREADS * UNROLL * rounds neighbouring elements. UNROLL independent loads are in
// flight before the first is used. Which (THREADS, WIDE, UNROLL) is fastest differs by device, so the launcher tries
// several and takes the best: the peak must not be lower than what an attention kernel reaches.
struct Params {
  first: u32,
  rounds: u32,
  never: u32,
}

@group(0) @binding(0) var<storage, read> data: array<${ELEMENT}>;
@group(0) @binding(1) var<storage, read_write> sink: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let start = params.first + group.x * (${THREADS}u * ${UNROLL}u * params.rounds) + lane;
  var sum = ${ELEMENT}();
  for (var round = 0u; round < params.rounds; round++) {
    let at = start + round * ${THREADS * UNROLL}u;
//!repeat i UNROLL
    let x${i} = data[at + ${i * THREADS}u];
//!end
//!repeat i UNROLL
    sum += x${i};
//!end
  }
//!if WIDE
  let word = sum.x ^ sum.y ^ sum.z ^ sum.w;
//!else
  let word = sum;
//!end
  if (word == params.never) {
    sink[0] = word;
  }
}
