// A linear layer with its norm before it and its epilogue after it: output = epilogue(W · norm(x)).
//
//   input     f32 [..][columns]; token t reads row inputRows[t] where params.gather is set, else row t
//   weights   words of linear-config.ts
//   output    f32 [tokens][outputs]
//
// A team of LANES neighbouring lanes goes along the columns together and owns a tile of OUT outputs × TOKENS tokens: one
// read of a weight serves TOKENS tokens, one read of an input serves OUT rows (twice as many where gated: the gate's
// rows, and the up rows `outputs` further down in the matrix). A lane's unit is a chunk, the words of one load. In the end
// the lanes' sums are joined so that lane l gets the tile's values l, l + LANES, … and finishes them. JOIN says how: `whole`
// adds over subgroups that are just one team (cheap on SwiftShader, where a shuffle by a mask is not), `halves` by shuffles
// inside larger ones, `shared` in workgroup memory, without subgroups.
//
// Serves few tokens on a GPU (linear_tiles.wgsl serves many) and any number on a CPU adapter, where loads are dear, tiles
// in registers are cheap, and a load is fast only if neighbouring lanes read neighbouring words.
//
// Norms: rms is a factor on the sums, and its squares are taken along; layer goes over its tokens twice before.
// Numerics: f32.
// Set by the launcher: LANES, OUT, TOKENS (powers of two), TEAMS (of a workgroup), LOAD (words), WIDTH (columns of a
// vector), PARTS (vectors of a chunk), VECTOR and WORDS (types), CHUNKS_PER_SCALE, TAIL (chunks do not fill the lanes, or
// columns not the chunks), FORMAT, SCALED, NORM, BIAS, ADD, GATED, HALVES (2 where gated), ACTIVATION, JOIN.
//!if JOIN != shared
enable subgroups;
//!end

struct Params {
  tokens: u32,
  outputs: u32,
  // Loads of a matrix row, vectors of an input row.
  chunks: u32,
  inputVectors: u32,
  inverseColumns: f32,
  epsilon: f32,
  gather: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<${VECTOR}>;
@group(0) @binding(2) var<storage, read> weights: array<${WORDS}>;
@group(0) @binding(3) var<storage, read_write> output: array<f32>;
@group(0) @binding(4) var<storage, read> inputRows: array<u32>;
//!if SCALED
@group(0) @binding(5) var<storage, read> scales: array<f32>;
//!end
//!if BIAS
@group(0) @binding(6) var<storage, read> bias: array<f32>;
//!end
//!if ADD
@group(0) @binding(7) var<storage, read> residual: array<f32>;
//!end
//!if NORM != none
@group(0) @binding(8) var<storage, read> normWeight: array<${VECTOR}>;
//!end
//!if NORM == layer
@group(0) @binding(9) var<storage, read> normBias: array<${VECTOR}>;
//!end

//!requires linear_out
//!if SCALED
//!requires linear_codes
//!end

const LANES = ${LANES}u;
const OUT = ${OUT}u;
const VALUES = ${OUT * TOKENS}u;
const KEPT = max(VALUES / LANES, 1u);
//!if JOIN == shared
var<workgroup> partial: array<f32, ${OUT * TOKENS * LANES * TEAMS}>;
//!end

fn product(a: ${VECTOR}, b: ${VECTOR}) -> f32 {
//!if WIDTH == 1
  return a * b;
//!else
  return dot(a, b);
//!end
}

//!if NORM != none
/** Sum over the lanes of a team, for every lane. */
fn joined(x: f32, lane: u32, team: u32) -> f32 {
//!if JOIN == whole
  return subgroupAdd(x);
//!end
//!if JOIN == halves
  var sum = x;
  for (var mask = 1u; mask < LANES; mask *= 2u) {
    sum += subgroupShuffleXor(sum, mask);
  }
  return sum;
//!end
//!if JOIN == shared
  partial[team * LANES + lane] = x;
  workgroupBarrier();
  var sum = 0.0;
  for (var l = 0u; l < LANES; l++) {
    sum += partial[team * LANES + l];
  }
  workgroupBarrier();
  return sum;
//!end
}
//!end

//!if JOIN == halves
/** Sums over the lanes of a team: values l, l + LANES, … for lane l, which keeps those whose number has its own bits. */
fn scattered(values: array<f32, VALUES>, lane: u32) -> array<f32, VALUES> {
  var sums = values;
  var count = VALUES;
  for (var mask = 1u; mask < LANES; mask *= 2u) {
    let isOdd = (lane & mask) != 0u;
    if (count == 1u) {
      sums[0] += subgroupShuffleXor(sums[0], mask);
    } else {
      count /= 2u;
      for (var i = 0u; i < count; i++) {
        let even = sums[2u * i];
        let odd = sums[2u * i + 1u];
        sums[i] = select(even, odd, isOdd) + subgroupShuffleXor(select(odd, even, isOdd), mask);
      }
    }
  }
  return sums;
}
//!end

@compute @workgroup_size(${LANES * TEAMS})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % LANES;
  let team = thread / LANES;
  let firstRow = (workgroup.x * ${TEAMS}u + team) * OUT;
  let firstToken = workgroup.y * ${TOKENS}u;

  // Rows and tokens beyond the end read the last one again and are not stored.
//!repeat r OUT
//!repeat h HALVES
  let at${h}_${r} = (min(firstRow + ${r}u, params.outputs - 1u) + ${h}u * params.outputs) * params.chunks;
//!repeat t TOKENS
  var sum${h}_${t * OUT + r} = 0.0;
//!end
//!end
//!end
//!repeat t TOKENS
  var from${t} = min(firstToken + ${t}u, params.tokens - 1u);
  if (params.gather != 0u) {
    from${t} = inputRows[from${t}];
  }
  from${t} *= params.inputVectors;
//!end

  let steps = (params.chunks + LANES - 1u) / LANES;
//!if NORM == rms
//!repeat t TOKENS
  var squares${t} = 0.0;
//!end
//!end
//!if NORM == layer
//!repeat t TOKENS
  var mean${t} = 0.0;
  var squares${t} = 0.0;
//!end
  for (var v = lane; v < steps * LANES * ${PARTS}u; v += LANES) {
//!repeat t TOKENS
    mean${t} += select(0.0, product(input[from${t} + v], ${VECTOR}(1.0)), v < params.inputVectors);
//!end
  }
//!repeat t TOKENS
  mean${t} = joined(mean${t}, lane, team) * params.inverseColumns;
//!end
  for (var v = lane; v < steps * LANES * ${PARTS}u; v += LANES) {
//!repeat t TOKENS
    let x${t} = input[from${t} + v] - mean${t};
    squares${t} += select(0.0, product(x${t}, x${t}), v < params.inputVectors);
//!end
  }
//!repeat t TOKENS
  let factor${t} = inverseSqrt(joined(squares${t}, lane, team) * params.inverseColumns + params.epsilon);
//!end
//!end

  for (var step = 0u; step < steps; step++) {
//!if TAIL
    let isChunk = step * LANES + lane < params.chunks;
    let chunk = min(step * LANES + lane, params.chunks - 1u);
//!else
    let chunk = step * LANES + lane;
//!end
//!repeat p PARTS
    let v${p} = chunk * ${PARTS}u + ${p}u;
//!if NORM != none
    let gain${p} = normWeight[v${p}];
//!end
//!if NORM == layer
    let shift${p} = normBias[v${p}];
//!end
//!repeat t TOKENS
    var x${t}_${p} = input[from${t} + v${p}];
//!if NORM == layer
    x${t}_${p} = (x${t}_${p} - mean${t}) * factor${t} * gain${p} + shift${p};
//!end
//!if TAIL
    x${t}_${p} = select(${VECTOR}(0.0), x${t}_${p}, isChunk & (v${p} < params.inputVectors));
//!end
//!if NORM == rms
    squares${t} += product(x${t}_${p}, x${t}_${p});
    x${t}_${p} *= gain${p};
//!end
//!end
//!end
//!repeat h HALVES
//!repeat r OUT
    let words${h}_${r} = weights[at${h}_${r} + chunk];
//!if FORMAT == f32
    let w${h}_${r}_0 = bitcast<${VECTOR}>(words${h}_${r});
//!end
//!if FORMAT == f16
//!if LOAD == 1
    let w${h}_${r}_0 = unpack2x16float(words${h}_${r});
//!else
//!repeat p PARTS
    let w${h}_${r}_${p} = vec4(unpack2x16float(words${h}_${r}[${2 * p}]), unpack2x16float(words${h}_${r}[${2 * p + 1}]));
//!end
//!end
//!end
//!if SCALED
    let scale${h}_${r} = scales[(at${h}_${r} + chunk) / ${CHUNKS_PER_SCALE}u] * CODE_GAIN;
//!repeat p PARTS
//!if LOAD == 1
    let w${h}_${r}_${p} = codesOf(words${h}_${r}, ${p}u) * scale${h}_${r};
//!else
    let w${h}_${r}_${p} = codesOf(words${h}_${r}[${p * LOAD / PARTS}], ${p % (PARTS / LOAD)}u) * scale${h}_${r};
//!end
//!end
//!end
//!repeat t TOKENS
//!repeat p PARTS
    sum${h}_${t * OUT + r} += product(w${h}_${r}_${p}, x${t}_${p});
//!end
//!end
//!end
//!end
  }

//!if NORM == rms
  let factors = array<f32, ${TOKENS}>(
//!repeat t TOKENS
    inverseSqrt(joined(squares${t}, lane, team) * params.inverseColumns + params.epsilon),
//!end
  );
//!end
//!repeat h HALVES
//!if JOIN == halves
  let kept${h} = scattered(array<f32, VALUES>(
//!repeat v OUT * TOKENS
    sum${h}_${v},
//!end
  ), lane);
//!end
//!if JOIN == whole
  var kept${h}: array<f32, KEPT>;
//!repeat i OUT * TOKENS / LANES
  var own${h}_${i} = subgroupAdd(sum${h}_${i * LANES});
//!repeat l LANES - 1
  own${h}_${i} = select(own${h}_${i}, subgroupAdd(sum${h}_${i * LANES + l + 1}), lane == ${l + 1}u);
//!end
  kept${h}[${i}] = own${h}_${i};
//!end
//!end
//!if JOIN == shared
  var kept${h}: array<f32, KEPT>;
//!repeat v OUT * TOKENS
  partial[(team * VALUES + ${v}u) * LANES + lane] = sum${h}_${v};
//!end
  workgroupBarrier();
  for (var i = 0u; i < KEPT; i++) {
    let first = (team * VALUES + (i * LANES + lane) % VALUES) * LANES;
    for (var l = 0u; l < LANES; l++) {
      kept${h}[i] += partial[first + l];
    }
  }
  workgroupBarrier();
//!end
//!end
  for (var i = 0u; i < KEPT; i++) {
    let value = i * LANES + lane;
    let row = firstRow + value % OUT;
    let token = firstToken + value / OUT;
    if (value < VALUES && row < params.outputs && token < params.tokens) {
      var main = kept0[i];
//!if GATED
      var other = kept1[i];
//!else
      var other = 0.0;
//!end
//!if NORM == rms
      main *= factors[value / OUT];
      other *= factors[value / OUT];
//!end
      finish(row, token, main, other);
    }
  }
}
