// What becomes of a sum of a linear layer: bias, activation, gate, residual, and the store. Needs the bindings and
// parameters of the kernel that requires it.
// Constants: GATED, ACTIVATION (none, silu, gelu, gelu-tanh, relu), BIAS, ADD.

//!if ACTIVATION == silu
fn activated(x: f32) -> f32 {
  return x / (1.0 + exp(min(-x, 80.0)));
}
//!end
//!if ACTIVATION == relu
fn activated(x: f32) -> f32 {
  return max(x, 0.0);
}
//!end
//!if ACTIVATION == gelu-tanh
fn activated(x: f32) -> f32 {
  // 0.5·x·(1 + tanh u) = x·(1 − 1/(e^2u + 1)), with u = √(2/π)·(x + 0.044715·x³).
  let twice = 1.5957691216 * (x + 0.044715 * x * x * x);
  return x - x / (exp(clamp(twice, -80.0, 80.0)) + 1.0);
}
//!end
//!if ACTIVATION == gelu
fn activated(x: f32) -> f32 {
  // 1 − erf by Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7.
  let z = abs(x) * 0.7071067812;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let tail = series * exp(-min(z * z, 80.0));
  return x * select(0.5 * tail, 1.0 - 0.5 * tail, x > 0.0);
}
//!end

/** `main` is the sum of output row `row`; `other`, where gated, that of the row half a matrix further. */
fn finish(row: u32, token: u32, main: f32, other: f32) {
  var x = main;
//!if BIAS
  x += bias[row];
//!end
//!if ACTIVATION != none
  x = activated(x);
//!end
//!if GATED
//!if BIAS
  x *= other + bias[row + params.outputs];
//!else
  x *= other;
//!end
//!end
  let at = token * params.outputs + row;
//!if ADD
  x += residual[at];
//!end
  output[at] = x;
}
