// The integer codes of a weight word as numbers, four at a time, lowest first: weight = codes·(CODE_GAIN·scale). Each code
// is placed at the top of the mantissa of 1.0, which costs a shift and an and-or instead of a conversion; 1.5, the middle,
// is taken off without rounding.
// Constants: FORMAT (int8: bytes of code + 128; int4: nibbles of code + 8).

//!if FORMAT == int8
const CODE_GAIN = 256.0;

fn codesOf(word: u32, part: u32) -> vec4<f32> {
  let shifted = vec4<u32>(word << 15u, word << 7u, word >> 1u, word >> 9u);
  return bitcast<vec4<f32>>((shifted & vec4<u32>(0x007f8000u)) | vec4<u32>(0x3f800000u)) - 1.5;
}
//!else
const CODE_GAIN = 16.0;

fn codesOf(word: u32, part: u32) -> vec4<f32> {
  let half = word >> (16u * part);
  let shifted = vec4<u32>(half << 19u, half << 15u, half << 11u, half << 7u);
  return bitcast<vec4<f32>>((shifted & vec4<u32>(0x00780000u)) | vec4<u32>(0x3f800000u)) - 1.5;
}
//!end
