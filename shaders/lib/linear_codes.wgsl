// The integer codes of a weight word as numbers of 1 ≤ raw < 2, four at a time, lowest first: each code is placed at the
// top of the mantissa of 1.0, which costs a shift and an and-or instead of a conversion. weight = (raw·gain + zero)·scale,
// where CODE_AFFINE = (gain, zero).
// Constants: FORMAT (int8: bytes of code + 128; int4: nibbles of code + 8).

//!if FORMAT == int8
const CODE_AFFINE = vec2<f32>(256.0, -384.0);

fn rawCodes(word: u32, part: u32) -> vec4<f32> {
  let shifted = vec4<u32>(word << 15u, word << 7u, word >> 1u, word >> 9u);
  return bitcast<vec4<f32>>((shifted & vec4<u32>(0x007f8000u)) | vec4<u32>(0x3f800000u));
}
//!else
const CODE_AFFINE = vec2<f32>(16.0, -24.0);

fn rawCodes(word: u32, part: u32) -> vec4<f32> {
  let half = word >> (16u * part);
  let shifted = vec4<u32>(half << 19u, half << 15u, half << 11u, half << 7u);
  return bitcast<vec4<f32>>((shifted & vec4<u32>(0x00780000u)) | vec4<u32>(0x3f800000u));
}
//!end
