// Token ids to rows of the residual stream: output = table[id] + positionTable[position].
//
//   ids        u32 [tokens]: an id, or with the highest bit set the number of a slot of lastTokens
//   table      words of linear-config.ts, [vocab][hidden]
//   output     f32 [tokens][hidden]
//
// An invocation owns four channels of a token. An id beyond the table gives zeros: it is a mistake of the host's, and
// must not read another row's weights in silence.
// Set by the launcher: FORMAT, SCALED, LEARNED (positions), QUADS (hidden / 4), ROW_WORDS, THREADS.

struct Params {
  tokens: u32,
  vocab: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ids: array<u32>;
@group(0) @binding(2) var<storage, read> lastTokens: array<u32>;
@group(0) @binding(3) var<storage, read> table: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;
//!if SCALED
@group(0) @binding(5) var<storage, read> scales: array<f32>;
//!requires linear_codes
//!end
//!if LEARNED
@group(0) @binding(6) var<storage, read> positions: array<u32>;
@group(0) @binding(7) var<storage, read> positionTable: array<vec4<f32>>;
//!end

const QUADS = ${QUADS}u;

fn weightsOf(id: u32, quad: u32) -> vec4<f32> {
  let row = id * ${ROW_WORDS}u;
//!if FORMAT == f32
  let at = row + quad * 4u;
  return bitcast<vec4<f32>>(vec4(table[at], table[at + 1u], table[at + 2u], table[at + 3u]));
//!end
//!if FORMAT == f16
  let at = row + quad * 2u;
  return vec4(unpack2x16float(table[at]), unpack2x16float(table[at + 1u]));
//!end
//!if SCALED
  let scale = scales[id * ${SCALES}u + quad / 8u] * CODE_GAIN;
//!if FORMAT == int8
  return codesOf(table[row + quad], 0u) * scale;
//!else
  return codesOf(table[row + quad / 2u], quad % 2u) * scale;
//!end
//!end
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * ${THREADS}u + id.x;
  let token = item / QUADS;
  let quad = item % QUADS;
  if (token >= params.tokens) {
    return;
  }
  var word = ids[token];
  if (word >= 0x80000000u) {
    word = lastTokens[word & 0x7fffffffu];
  }
  var x = vec4<f32>(0.0);
  if (word < params.vocab) {
    x = weightsOf(word, quad);
  }
//!if LEARNED
  x += positionTable[positions[token] * QUADS + quad];
//!end
  output[item] = x;
}
