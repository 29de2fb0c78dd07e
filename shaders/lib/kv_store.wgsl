// Encoding of values into the words of a KV block (src/core/kv/formats.ts), one function a format.
//
// f16 and fp8 are rounded by bit arithmetic, to nearest and ties to even: WGSL lets pack2x16float round either way and
// lets unpack2x16float flush small halves to zero, and fp8 has no type. All finite values saturate.

/** |x| as a small float's code without sign: MANTISSA bits of fraction; `rebias` = 127 − bias of the small float. */
fn small_float_code(x: f32, mantissa: u32, rebias: u32, max_code: u32) -> u32 {
  let magnitude = bitcast<u32>(x) & 0x7fffffffu;
  let drop = 23u - mantissa;
  let normal = ((magnitude + (1u << (drop - 1u)) - 1u + ((magnitude >> drop) & 1u)) >> drop) - (rebias << mantissa);
  // Below the smallest normal the quantum stays put, so the significand is shifted by more bits.
  let exponent = magnitude >> 23u;
  let significand = (magnitude & 0x7fffffu) | 0x800000u;
  let shift = min(drop + rebias + 1u - min(exponent, rebias + 1u), 25u);
  let subnormal = (significand + (1u << (shift - 1u)) - 1u + ((significand >> shift) & 1u)) >> shift;
  return min(select(normal, subnormal, exponent <= rebias), max_code);
}

fn sign_bit(x: f32) -> u32 {
  return bitcast<u32>(x) >> 31u;
}

fn f16_bits(x: f32) -> u32 {
  return (sign_bit(x) << 15u) | small_float_code(x, 10u, 112u, 0x7bffu);
}

/** Exact, subnormal halves included. */
fn f16_value(bits: u32) -> f32 {
  let exponent = (bits >> 10u) & 31u;
  let fraction = bits & 0x3ffu;
  let normal = bitcast<f32>(((exponent + 112u) << 23u) | (fraction << 13u));
  let magnitude = select(normal, f32(fraction) * 5.9604644775390625e-8, exponent == 0u);
  return select(magnitude, -magnitude, (bits & 0x8000u) != 0u);
}

fn f16_pair(low: f32, high: f32) -> u32 {
  return f16_bits(low) | (f16_bits(high) << 16u);
}

fn e4m3_bits(x: f32) -> u32 {
  return (sign_bit(x) << 7u) | small_float_code(x, 3u, 120u, 0x7eu);
}

fn e5m2_bits(x: f32) -> u32 {
  return (sign_bit(x) << 7u) | small_float_code(x, 2u, 112u, 0x7bu);
}

/** Four int8 codes of x·inverse_scale in one word. */
fn int8_word(x: vec4<f32>, inverse_scale: f32) -> u32 {
  let codes = bitcast<vec4<u32>>(vec4<i32>(clamp(round(x * inverse_scale), vec4(-127.0), vec4(127.0)))) & vec4(255u);
  return codes.x | (codes.y << 8u) | (codes.z << 16u) | (codes.w << 24u);
}

fn e4m3_word(x: vec4<f32>, inverse_scale: f32) -> u32 {
  let y = x * inverse_scale;
  return e4m3_bits(y.x) | (e4m3_bits(y.y) << 8u) | (e4m3_bits(y.z) << 16u) | (e4m3_bits(y.w) << 24u);
}

fn e5m2_word(x: vec4<f32>, inverse_scale: f32) -> u32 {
  let y = x * inverse_scale;
  return e5m2_bits(y.x) | (e5m2_bits(y.y) << 8u) | (e5m2_bits(y.z) << 16u) | (e5m2_bits(y.w) << 24u);
}

/** Four asymmetric codes 0…levels of (x − low)·inverse_scale. */
fn asymmetric_codes(x: vec4<f32>, low: f32, inverse_scale: f32, levels: f32) -> vec4<u32> {
  return vec4<u32>(round(clamp((x - low) * inverse_scale, vec4(0.0), vec4(levels))));
}

/** Eight 4-bit codes in one word. */
fn int4_word(a: vec4<u32>, b: vec4<u32>) -> u32 {
  return a.x | (a.y << 4u) | (a.z << 8u) | (a.w << 12u) | (b.x << 16u) | (b.y << 20u) | (b.z << 24u) | (b.w << 28u);
}

/** Four 2-bit codes in one byte. */
fn int2_byte(a: vec4<u32>) -> u32 {
  return a.x | (a.y << 2u) | (a.z << 4u) | (a.w << 6u);
}

/** The f16 pair (scale, min) of a group, in one word, from its smallest and largest value. */
fn scale_min_pair(low: f32, high: f32, levels: f32) -> u32 {
  return f16_pair((high - low) / levels, low);
}

/** 1/scale, and 0 for the scale 0 of a constant group or a row of zeros, whose codes are all 0. */
fn inverse_or_zero(scale: f32) -> f32 {
  return select(0.0, 1.0 / scale, scale > 0.0);
}
