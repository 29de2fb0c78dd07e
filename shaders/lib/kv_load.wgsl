// Decoding of the words of a KV block (src/core/kv/formats.ts) into f32. Pure functions: no bindings, no constants.
//
//   format     elements a word   functions
//   f32        1                 bitcast<f32>(word)
//   f16        2                 unpack2x16float(word)
//   fp8, int8  4                 kv_e4m3, kv_e5m2, kv_int8: vec4, lowest byte first
//   int4       8                 kv_int4(word, 0..1): vec4 of code 4·part + i
//   int2       16                kv_int2(word, 0..3): vec4 of code 4·part + i
//
// Values are exact before scale and minimum: x̂ = code·scale (row formats) or code·scale + min (kv_scale_min).
//
// The integer codes also come in a raw form for inner loops, 1 ≤ raw < 2, made by placing the code at the top of the
// mantissa of 1.0: one shift and one and-or an element instead of a conversion, which runs at a fraction of the FMA
// rate on most GPUs. The affine map back (value = raw·gain + bias) is folded into the scale and the minimum:
//   kv_raw_int4  gain 16  bias −16        kv_raw_int2  gain 4  bias −4        kv_raw_int8  gain 256  bias 0
// int8 has no minimum to fold into, and sums of numbers near 1.5 would cancel: its raw form is centred, −0.5 ≤ raw < 0.5,
// by a subtraction that does not round.
// e4m3 in raw form lacks a factor 256 (exponent bias 7 read as 15): kv_raw_e4m3  gain 256  bias 0.
//
// WGSL lets unpack2x16float flush subnormal halves. That concerns e4m3 below 2^-6 and e5m2 below 2^-14 of rows whose
// largest value was scaled to 448 or 57344, so a device that flushes errs by less than 4e-5 of the row's maximum.

fn kv_scale_min(word: u32) -> vec2<f32> {
  return unpack2x16float(word);
}

fn kv_raw_e4m3(word: u32) -> vec4<f32> {
  let even = unpack2x16float(((word & 0x00800080u) << 8u) | ((word & 0x007f007fu) << 7u));
  let odd = unpack2x16float((word & 0x80008000u) | ((word & 0x7f007f00u) >> 1u));
  return vec4(even.x, odd.x, even.y, odd.y);
}

fn kv_e4m3(word: u32) -> vec4<f32> {
  return kv_raw_e4m3(word) * 256.0;
}

fn kv_e5m2(word: u32) -> vec4<f32> {
  let even = unpack2x16float((word & 0x00ff00ffu) << 8u);
  let odd = unpack2x16float(word & 0xff00ff00u);
  return vec4(even.x, odd.x, even.y, odd.y);
}

fn kv_raw_int8(word: u32) -> vec4<f32> {
  let x = word ^ 0x80808080u;
  return vec4(
    bitcast<f32>(((x << 15u) & 0x007f8000u) | 0x3f800000u),
    bitcast<f32>(((x << 7u) & 0x007f8000u) | 0x3f800000u),
    bitcast<f32>(((x >> 1u) & 0x007f8000u) | 0x3f800000u),
    bitcast<f32>(((x >> 9u) & 0x007f8000u) | 0x3f800000u)) - 1.5;
}

fn kv_int8(word: u32) -> vec4<f32> {
  return kv_raw_int8(word) * 256.0;
}

fn kv_raw_int4(word: u32, part: u32) -> vec4<f32> {
  let x = word >> (16u * part);
  return vec4(
    bitcast<f32>(((x << 19u) & 0x00780000u) | 0x3f800000u),
    bitcast<f32>(((x << 15u) & 0x00780000u) | 0x3f800000u),
    bitcast<f32>(((x << 11u) & 0x00780000u) | 0x3f800000u),
    bitcast<f32>(((x << 7u) & 0x00780000u) | 0x3f800000u));
}

fn kv_int4(word: u32, part: u32) -> vec4<f32> {
  return kv_raw_int4(word, part) * 16.0 - 16.0;
}

fn kv_raw_int2(word: u32, part: u32) -> vec4<f32> {
  let x = word >> (8u * part);
  return vec4(
    bitcast<f32>(((x << 21u) & 0x00600000u) | 0x3f800000u),
    bitcast<f32>(((x << 19u) & 0x00600000u) | 0x3f800000u),
    bitcast<f32>(((x << 17u) & 0x00600000u) | 0x3f800000u),
    bitcast<f32>(((x << 15u) & 0x00600000u) | 0x3f800000u));
}

fn kv_int2(word: u32, part: u32) -> vec4<f32> {
  return kv_raw_int2(word, part) * 4.0 - 4.0;
}
