// A linear layer for many tokens on a GPU, as linear_rows.wgsl: output = epilogue(W · norm(x)). No subgroup operations.
//
// A workgroup of 64 owns 64 tokens × 64 matrix rows (where gated: 32 rows of the gate and the 32 up rows `outputs` below)
// and walks the columns in steps of 16: each invocation fetches 4 tokens × 4 columns and 4 rows × 4 columns, turns them
// around in registers and puts them into workgroup memory column by column; then each multiplies 8 tokens × 8 rows out of
// it, 64 multiply-adds for 4 vector loads.
//
// Norms: rms is a factor on the sums, and its squares are taken along; layer goes over its tokens twice before.
// Numerics: f32.
// Set by the launcher: FORMAT, SCALED, WORDS (what holds four columns), QUADS_PER_WORD (2 for int4), NORM, BIAS, ADD, GATED,
// ACTIVATION.

struct Params {
  tokens: u32,
  outputs: u32,
  // Words of a matrix row, vectors of an input row.
  chunks: u32,
  inputVectors: u32,
  inverseColumns: f32,
  epsilon: f32,
  gather: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
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
@group(0) @binding(8) var<storage, read> normWeight: array<vec4<f32>>;
//!end
//!if NORM == layer
@group(0) @binding(9) var<storage, read> normBias: array<vec4<f32>>;
//!end

//!requires linear_out
//!if SCALED
//!requires linear_codes
//!end

/** Fours of tokens or rows of one column; one more than the tile has, so that columns begin in different banks. */
const STRIDE = 17u;
var<workgroup> tokensTile: array<vec4<f32>, 272>;
var<workgroup> rowsTile: array<vec4<f32>, 272>;
//!if NORM != none
var<workgroup> parts: array<vec4<f32>, 64>;

/** Sums over the four invocations that share four tokens, for the four tokens `quad`. */
fn joined(x: vec4<f32>, thread: u32, quad: u32) -> vec4<f32> {
  workgroupBarrier();
  parts[thread] = x;
  workgroupBarrier();
  return parts[quad * 4u] + parts[quad * 4u + 1u] + parts[quad * 4u + 2u] + parts[quad * 4u + 3u];
}
//!end

/** Four columns of a matrix row. */
fn weightsAt(row: u32, quad: u32) -> vec4<f32> {
  let word = weights[row * params.chunks + quad / ${QUADS_PER_WORD}u];
//!if FORMAT == f32
  return bitcast<vec4<f32>>(word);
//!end
//!if FORMAT == f16
  return vec4(unpack2x16float(word.x), unpack2x16float(word.y));
//!end
//!if SCALED
  let scale = scales[row * (params.chunks * ${QUADS_PER_WORD}u / 8u) + quad / 8u] * CODE_GAIN;
  return codesOf(word, quad % ${QUADS_PER_WORD}u) * scale;
//!end
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  // What this invocation fetches: four tokens, four rows, and one of the step's four fours of columns.
  let fetched = thread / 4u;
  let fetchedQuad = thread % 4u;
  // What it multiplies: tokens and rows 4·n … 4·n + 3 of either half of the tile.
  let tokenQuad = thread / 8u;
  let rowQuad = thread % 8u;
  let firstToken = workgroup.y * 64u;
//!if GATED
  let firstRow = workgroup.x * 32u;
//!else
  let firstRow = workgroup.x * 64u;
//!end

  // Tokens and rows beyond the end read the last one again and are not stored.
//!repeat n 4
  var from${n} = min(firstToken + fetched * 4u + ${n}u, params.tokens - 1u);
  if (params.gather != 0u) {
    from${n} = inputRows[from${n}];
  }
  from${n} *= params.inputVectors;
//!if GATED
  let row${n} = min(firstRow + (fetched % 8u) * 4u + ${n}u, params.outputs - 1u) + fetched / 8u * params.outputs;
//!else
  let row${n} = min(firstRow + fetched * 4u + ${n}u, params.outputs - 1u);
//!end
//!end

  let steps = (params.inputVectors + 3u) / 4u;
//!if NORM == rms
  var squares = vec4<f32>(0.0);
//!end
//!if NORM == layer
  var means = vec4<f32>(0.0);
  for (var quad = fetchedQuad; quad < params.inputVectors; quad += 4u) {
    means += vec4(1.0) * mat4x4(input[from0 + quad], input[from1 + quad], input[from2 + quad], input[from3 + quad]);
  }
  means = joined(means, thread, fetched) * params.inverseColumns;
  var squares = vec4<f32>(0.0);
  for (var quad = fetchedQuad; quad < params.inputVectors; quad += 4u) {
//!repeat n 4
    let off${n} = input[from${n} + quad] - means[${n}];
    squares[${n}] += dot(off${n}, off${n});
//!end
  }
  let factors = inverseSqrt(joined(squares, thread, fetched) * params.inverseColumns + params.epsilon);
//!end

//!repeat i 8
  var sum${i}_0 = vec4<f32>(0.0);
  var sum${i}_1 = vec4<f32>(0.0);
//!end
  for (var step = 0u; step < steps; step++) {
    let quad = step * 4u + fetchedQuad;
    var x = mat4x4<f32>();
    var w = mat4x4<f32>();
    if (quad < params.inputVectors) {
//!repeat n 4
      x[${n}] = input[from${n} + quad];
      w[${n}] = weightsAt(row${n}, quad);
//!end
//!if NORM == rms
//!repeat n 4
      squares[${n}] += dot(x[${n}], x[${n}]);
      x[${n}] *= normWeight[quad];
//!end
//!end
//!if NORM == layer
//!repeat n 4
      x[${n}] = (x[${n}] - means[${n}]) * factors[${n}] * normWeight[quad] + normBias[quad];
//!end
//!end
    }
    let columns = transpose(x);
    let weightColumns = transpose(w);
    workgroupBarrier();
//!repeat n 4
    tokensTile[(fetchedQuad * 4u + ${n}u) * STRIDE + fetched] = columns[${n}];
    rowsTile[(fetchedQuad * 4u + ${n}u) * STRIDE + fetched] = weightColumns[${n}];
//!end
    workgroupBarrier();
    for (var k = 0u; k < 16u; k++) {
      let a0 = tokensTile[k * STRIDE + tokenQuad];
      let a1 = tokensTile[k * STRIDE + tokenQuad + 8u];
      let b0 = rowsTile[k * STRIDE + rowQuad];
      let b1 = rowsTile[k * STRIDE + rowQuad + 8u];
//!repeat n 4
      sum${n}_0 += a0[${n}] * b0;
      sum${n}_1 += a0[${n}] * b1;
      sum${n + 4}_0 += a1[${n}] * b0;
      sum${n + 4}_1 += a1[${n}] * b1;
//!end
    }
  }

//!if NORM == rms
  // Twice the same sums, for the tokens of either half that this invocation multiplies.
  let scale0 = inverseSqrt(joined(squares, thread, tokenQuad) * params.inverseColumns + params.epsilon);
  let scale1 = inverseSqrt(joined(squares, thread, tokenQuad + 8u) * params.inverseColumns + params.epsilon);
//!repeat n 4
//!repeat j 2
  sum${n}_${j} *= scale0[${n}];
  sum${n + 4}_${j} *= scale1[${n}];
//!end
//!end
//!end
  let sums = array<array<vec4<f32>, 2>, 8>(
//!repeat i 8
    array<vec4<f32>, 2>(sum${i}_0, sum${i}_1),
//!end
  );
  for (var i = 0u; i < 8u; i++) {
    let token = firstToken + (i / 4u) * 32u + tokenQuad * 4u + i % 4u;
    for (var c = 0u; c < 4u; c++) {
      let row = firstRow + rowQuad * 4u + c;
//!if GATED
      if (token < params.tokens && row < params.outputs) {
        finish(row, token, sums[i][0][c], sums[i][1][c]);
      }
//!else
      if (token < params.tokens && row < params.outputs) {
        finish(row, token, sums[i][0][c], 0.0);
      }
      if (token < params.tokens && row + 32u < params.outputs) {
        finish(row + 32u, token, sums[i][1][c], 0.0);
      }
//!end
    }
  }
}
