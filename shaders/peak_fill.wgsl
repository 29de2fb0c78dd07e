// Writes words that no memory compression can shorten, so that a following read has to fetch them; also makes an
// allocation real, on systems that hand out memory on first touch.
//
// words: the whole buffer. Every `every`th word is written: all of them to fill, one a page to touch. One invocation
// takes every strideth of those from its own index on; the stride is the number of invocations, so that neighbours
// write neighbouring words.
struct Params {
  words: u32,
  stride: u32,
  every: u32,
}

@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let last = params.words - 1u;
  for (var n = id.x; n <= last / params.every; n += params.stride) {
    let i = n * params.every;
    var x = i * 0x9e3779b1u;
    x ^= x >> 15u;
    data[i] = x * 0x85ebca6bu;
  }
}
