/**
 * Elementary functions with the same digits in every engine.
 *
 * ECMAScript leaves the last digits of Math.exp, log, pow, cos … to the engine; a simulated run must be the same byte
 * for byte everywhere, so `core` and `sim` use these. `+ − × ÷`, sqrt, floor and imul are exact by the standard, and
 * nothing else is used here. Largest error seen against 200-bit arithmetic: 1.1 ulp. Algorithms and constants are those of
 * fdlibm, whose notice is: Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved. Developed at SunPro, a Sun
 * Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is freely granted, provided
 * that this notice is preserved.
 *
 * Left out: sines of arguments beyond 2^20·π/2, which nothing here needs.
 */

const view = new DataView(new ArrayBuffer(8));

function highWord(x: number): number {
  view.setFloat64(0, x);
  return view.getInt32(0);
}

function lowWord(x: number): number {
  view.setFloat64(0, x);
  return view.getUint32(4);
}

function fromWords(high: number, low: number): number {
  view.setInt32(0, high);
  view.setUint32(4, low >>> 0);
  return view.getFloat64(0);
}

function withHighWord(x: number, high: number): number {
  return fromWords(high, lowWord(x));
}

/** x with the lower half of its digits cleared, so that products of two such numbers are exact. */
function upperHalf(x: number): number {
  return fromWords(highWord(x), 0);
}

const SMALLEST_NORMAL = fromWords(0x00100000, 0);
const TWO_1023 = fromWords(0x7fe00000, 0);
const TWO_MINUS_969 = fromWords(0x03600000, 0);

/** x·2^n, rounded once, subnormals included. */
export function scaleByPowerOfTwo(x: number, n: number): number {
  let result = x;
  // Beyond these the result is 0 or infinite for every double.
  let rest = Math.max(-2200, Math.min(2200, n));
  while (rest > 1023) {
    result *= TWO_1023;
    rest -= 1023;
  }
  // Factors of 2^-969 leave 53 bits of room, so that only the last product rounds.
  while (rest < -1022) {
    result *= TWO_MINUS_969;
    rest += 969;
  }
  return result * fromWords((1023 + rest) << 20, 0);
}

const LN2_HIGH = 6.9314718036912381649e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const INV_LN2 = 1.442695040888963387;

const EXP_P = [
  1.66666666666666019037e-1, -2.77777777770155933842e-3, 6.61375632143793436117e-5, -1.6533902205465251539e-6,
  4.13813679705723846039e-8,
] as const;

function expTail(t: number): number {
  return t * (EXP_P[0] + t * (EXP_P[1] + t * (EXP_P[2] + t * (EXP_P[3] + t * EXP_P[4]))));
}

/** e^x. */
export function exp(x: number): number {
  if (x !== x) return x;
  if (x > 709.782712893383973096) return Infinity;
  if (x < -745.13321910194110842) return 0;
  const size = x < 0 ? -x : x;
  if (size < 3.725290298461914e-9) return 1 + x;
  const k = size > 0.34657359027997264 ? Math.floor(x * INV_LN2 + 0.5) : 0;
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const c = r - expTail(r * r);
  if (k === 0) return 1 - ((r * c) / (c - 2) - r);
  return scaleByPowerOfTwo(1 - (low - (r * c) / (2 - c) - high), k);
}

const LOG_P = [
  6.66666666666673513e-1, 3.999999999940941908e-1, 2.857142874366239149e-1, 2.222219843214978396e-1,
  1.818357216161805012e-1, 1.531383769920937332e-1, 1.479819860511658591e-1,
] as const;

/** Splits positive x into f and k with x = (1 + f)·2^k and √½ < 1 + f ≤ √2. */
function splitLog(x: number): { f: number; k: number } {
  let k = 0;
  let value = x;
  if (value < SMALLEST_NORMAL) {
    value *= 18014398509481984;
    k = -54;
  }
  const high = highWord(value);
  const mantissa = high & 0x000fffff;
  const carry = (mantissa + 0x95f64) & 0x100000;
  k += (high >> 20) - 1023 + (carry >> 20);
  return { f: withHighWord(value, mantissa | (carry ^ 0x3ff00000)) - 1, k };
}

/** log(1 + f) − f + f²/2 and f²/2 for the reduced argument. */
function logTail(f: number): { r: number; halfSquare: number } {
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (LOG_P[1] + w * (LOG_P[3] + w * LOG_P[5]));
  const odd = z * (LOG_P[0] + w * (LOG_P[2] + w * (LOG_P[4] + w * LOG_P[6])));
  const halfSquare = 0.5 * f * f;
  return { r: s * (halfSquare + even + odd), halfSquare };
}

/** Natural logarithm. */
export function log(x: number): number {
  if (x !== x || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return Infinity;
  const { f, k } = splitLog(x);
  if (f === 0) return k === 0 ? 0 : k * LN2_HIGH + k * LN2_LOW;
  const { r, halfSquare } = logTail(f);
  return k * LN2_HIGH - (halfSquare - (r + k * LN2_LOW) - f);
}

const INV_LN2_HIGH = 1.44269504072144627571;
const INV_LN2_LOW = 1.67517131648865118353e-10;

/** Logarithm to base 2; exact for powers of two. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return log(x);
  const { f, k } = splitLog(x);
  if (f === 0) return k;
  const { r, halfSquare } = logTail(f);
  const high = upperHalf(f - halfSquare);
  const low = f - high - halfSquare + r;
  const top = high * INV_LN2_HIGH;
  const rest = (low + high) * INV_LN2_LOW + low * INV_LN2_HIGH;
  const sum = k + top;
  return rest + (k - sum + top) + sum;
}

const LOG10_2_HIGH = 3.01029995663611771306e-1;
const LOG10_2_LOW = 3.69423907715893078616e-13;
const INV_LN10_HIGH = 4.34294481878168880939e-1;
const INV_LN10_LOW = 2.50829467116452752298e-11;

/** Logarithm to base 10. */
export function log10(x: number): number {
  if (!(x > 0) || x === Infinity) return log(x);
  const { f, k } = splitLog(x);
  const { r, halfSquare } = logTail(f);
  const high = upperHalf(f - halfSquare);
  const low = f - high - halfSquare + r;
  const top = high * INV_LN10_HIGH;
  const shift = k * LOG10_2_HIGH;
  const rest = k * LOG10_2_LOW + (low + high) * INV_LN10_LOW + low * INV_LN10_HIGH;
  const sum = shift + top;
  return rest + (shift - sum + top) + sum;
}

const POW_L = [
  5.99999999999994648725e-1, 4.28571428578550184252e-1, 3.33333329818377432918e-1, 2.72728123808534006489e-1,
  2.30660745775561754067e-1, 2.06975017800338417784e-1,
] as const;
const CP = 9.61796693925975554329e-1;
const CP_HIGH = 9.61796700954437255859e-1;
const CP_LOW = -7.02846165095275826516e-9;
const LG2 = 6.93147180559945286227e-1;
const LG2_HIGH = 6.93147182464599609375e-1;
const LG2_LOW = -1.90465429995776804525e-9;

/** log2 of a positive number as an unevaluated sum, with some 20 bits more than a double. */
function log2Double(x: number): { high: number; low: number } {
  let n = 0;
  let value = x;
  if (value < SMALLEST_NORMAL) {
    value *= 9007199254740992;
    n = -53;
  }
  const word = highWord(value);
  n += (word >> 20) - 1023;
  const mantissa = word & 0x000fffff;
  let normal = mantissa | 0x3ff00000;
  const upper = mantissa > 0x3988e && mantissa < 0xbb67a;
  if (mantissa >= 0xbb67a) {
    n += 1;
    normal -= 0x00100000;
  }
  value = withHighWord(value, normal);
  const base = upper ? 1.5 : 1;
  const u = value - base;
  const v = 1 / (value + base);
  const ss = u * v;
  const sHigh = upperHalf(ss);
  const tHigh = fromWords(((normal >> 1) | 0x20000000) + 0x00080000 + (upper ? 0x00040000 : 0), 0);
  const tLow = value - (tHigh - base);
  const sLow = v * (u - sHigh * tHigh - sHigh * tLow);
  const s2 = ss * ss;
  const poly =
    POW_L[0] + s2 * (POW_L[1] + s2 * (POW_L[2] + s2 * (POW_L[3] + s2 * (POW_L[4] + s2 * POW_L[5]))));
  const r = s2 * s2 * poly + sLow * (sHigh + ss);
  const square = sHigh * sHigh;
  const cubeHigh = upperHalf(3 + square + r);
  const cubeLow = r - (cubeHigh - 3 - square);
  const a = sHigh * cubeHigh;
  const b = sLow * cubeHigh + cubeLow * ss;
  const pHigh = upperHalf(a + b);
  const pLow = b - (pHigh - a);
  const zHigh = CP_HIGH * pHigh;
  const zLow = CP_LOW * pHigh + pLow * CP + (upper ? 1.35003920212974897128e-8 : 0);
  const dpHigh = upper ? 5.84962487220764160156e-1 : 0;
  const high = upperHalf(zHigh + zLow + dpHigh + n);
  return { high, low: zLow - (high - n - dpHigh - zHigh) };
}

/** 2^(high + low). */
function exp2Double(high: number, low: number): number {
  const z = high + low;
  if (z >= 1025) return Infinity;
  if (z <= -1076) return 0;
  const n = Math.floor(z + 0.5);
  const rest = high - n;
  const t = upperHalf(low + rest);
  const u = t * LG2_HIGH;
  const v = (low - (t - rest)) * LG2 + t * LG2_LOW;
  const sum = u + v;
  const w = v - (sum - u);
  const t1 = sum - expTail(sum * sum);
  const r = (sum * t1) / (t1 - 2) - (w + sum * w);
  return scaleByPowerOfTwo(1 - (r - sum), n);
}

/** x^y for x ≥ 0; for negative x only with whole y. NaN otherwise, as Math.pow. */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (x !== x || y !== y) return NaN;
  if (y === 1) return x;
  const size = x < 0 ? -x : x;
  const whole = Number.isFinite(y) ? Math.floor(y) === y : true;
  const odd = whole && Number.isFinite(y) && Math.abs(y) <= Number.MAX_SAFE_INTEGER && y % 2 !== 0;
  const negative = odd && (x < 0 || Object.is(x, -0));
  if (size === 0 || size === Infinity || !Number.isFinite(y)) {
    if (size === 1) return NaN;
    const magnitude = size > 1 === y > 0 ? Infinity : 0;
    return negative ? -magnitude : magnitude;
  }
  if (x < 0 && !whole) return NaN;
  if (size === 1) return negative ? -1 : 1;
  const magnitude = Math.abs(y) > 1.8e19 ? (size > 1 === y > 0 ? Infinity : 0) : powPositive(size, y);
  return negative ? -magnitude : magnitude;
}

function powPositive(x: number, y: number): number {
  if (y === 0.5) return Math.sqrt(x);
  if (y === 2) return x * x;
  if (y === -1) return 1 / x;
  const { high, low } = log2Double(x);
  const yHigh = upperHalf(y);
  return exp2Double(yHigh * high, (y - yHigh) * high + y * low);
}

const PI_2 = [1.57079632673412561417, 6.0771005063039659766e-11, 2.0222662487111664558e-21] as const;
const PI_2_TAIL = 8.47842766036889956997e-32;

/** x modulo π/2 as an unevaluated sum, and the quarter turn it lies in. */
function reduceAngle(x: number): { quarter: number; high: number; low: number } {
  if (Math.abs(x) > 1_647_099) throw new RangeError(`The angle is ${x}; sin and cos take at most 1647099.`);
  const n = Math.floor(x * (2 / 3.141592653589793116) + 0.5);
  // Each product n·PI_2[i] is exact: 33 bits of π by 20 bits of n.
  const first = x - n * PI_2[0];
  const w1 = n * PI_2[1];
  const second = first - w1;
  const lost = first - second - w1;
  const w2 = n * PI_2[2] + n * PI_2_TAIL - lost;
  const high = second - w2;
  return { quarter: ((n % 4) + 4) % 4, high, low: second - high - w2 };
}

const SIN_P = [
  -1.66666666666666324348e-1, 8.33333333332248946124e-3, -1.98412698298579493134e-4,
  2.75573137070700676789e-6, -2.50507602534068634195e-8, 1.58969099521155010221e-10,
] as const;
const COS_P = [
  4.16666666666666019037e-2, -1.38888888888741095749e-3, 2.48015872894767294178e-5,
  -2.75573143513906633035e-7, 2.0875723212981748279e-9, -1.13596475577881948265e-11,
] as const;

function sinKernel(x: number, tail: number): number {
  const z = x * x;
  const cube = z * x;
  const r = SIN_P[1] + z * (SIN_P[2] + z * (SIN_P[3] + z * (SIN_P[4] + z * SIN_P[5])));
  return x - (z * (0.5 * tail - cube * r) - tail - cube * SIN_P[0]);
}

function cosKernel(x: number, tail: number): number {
  const z = x * x;
  const r = z * (COS_P[0] + z * (COS_P[1] + z * (COS_P[2] + z * (COS_P[3] + z * (COS_P[4] + z * COS_P[5])))));
  const half = 0.5 * z;
  const w = 1 - half;
  return w + (1 - w - half + (z * r - x * tail));
}

/** Sine of an angle in radians, |x| ≤ 1,647,099. @throws RangeError beyond. */
export function sin(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  if (x === 0) return x;
  const { quarter, high, low } = reduceAngle(x);
  const value = quarter % 2 === 0 ? sinKernel(high, low) : cosKernel(high, low);
  return quarter >= 2 ? -value : value;
}

/** Cosine of an angle in radians, |x| ≤ 1,647,099. @throws RangeError beyond. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const { quarter, high, low } = reduceAngle(x);
  const value = quarter % 2 === 0 ? cosKernel(high, low) : sinKernel(high, low);
  return quarter === 1 || quarter === 2 ? -value : value;
}
