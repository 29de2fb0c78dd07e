// One token id of each row of logits, by temperature, top-k and top-p; a workgroup owns a row.
//
//   logits      f32 [rows][vocab]
//   settings    u32 [rows][8]: temperature and topP (bits of f32), topK, seed, position, slot, two unused
//   output      u32 [rows]; lastTokens u32 [slots], written at each row's slot
//
// Temperature 0 takes the highest logit, ties to the lower id. Otherwise top-k keeps the k highest (all that tie with the
// k-th), top-p the fewest of these whose probability reaches p (all that tie with the last), and of what is kept the id
// with the highest logit/temperature + g(id) is drawn, where the g are independent Gumbel variables: an exact draw from
// the softmax that needs no sum over the row, so the number of invocations cannot change it.
//
// Both cuts are found a byte at a time in the bits of the logits: 256 bins, of counts for top-k and of probability in
// units of 2^-31 for top-p, whole numbers in both cases, so that the order of additions does not matter.
//
// The draw is a function of seed, position and id alone: pcg3d (Jarzynski and Olano, Hash Functions for GPU Rendering,
// JCGT 9(3), 2020), 23 bits of it. −log u has a relative error of 3e-7, also near u = 1, where WGSL's own log has none.
// NaN logits are never chosen; a row of nothing else gives id 0.
// Set by the launcher: THREADS (a multiple of 16).

struct Params {
  vocab: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> settings: array<u32>;
@group(0) @binding(3) var<storage, read_write> lastTokens: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

const THREADS = ${THREADS}u;
const LOWEST = -3.4028234e38;

var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> binSums: array<u32, 16>;
var<workgroup> bestValues: array<f32, THREADS>;
var<workgroup> bestIds: array<u32, THREADS>;

/** Unsigned order of the ranks = order of the logits; NaN is lowest. */
fn rank(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0u;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

fn pcg3d(seed: vec3<u32>) -> u32 {
  var v = seed * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3<u32>(16u);
  v.x += v.y * v.z;
  return v.x;
}

/** Natural logarithm of a positive normal number: exponent and, within √½ … √2, 2·artanh((m − 1)/(m + 1)). */
fn logarithm(x: f32) -> f32 {
  let bits = bitcast<u32>(x) - 0x3f3504f3u;
  let exponent = bitcast<i32>(bits) >> 23u;
  let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  let series = 1.0 + z * (0.3333333333 + z * (0.2 + z * (0.1428571429 + z * 0.1111111111)));
  return f32(exponent) * 0.6931471806 + 2.0 * s * series;
}

/** A Gumbel variable: −log(−log u), u in (0, 1) with 23 bits. */
fn gumbel(id: u32, position: u32, seed: u32) -> f32 {
  let u = (f32(pcg3d(vec3(id, position, seed)) >> 9u) + 0.5) * 1.1920929e-7;
  return -logarithm(-logarithm(u));
}

/** The best of all invocations (bits of its value, id), ties to the lower id; the same for all. */
fn bestOf(thread: u32, value: f32, id: u32) -> vec2<u32> {
  bestValues[thread] = value;
  bestIds[thread] = id;
  workgroupBarrier();
  if (thread == 0u) {
    var best = value;
    var bestId = id;
    for (var t = 1u; t < THREADS; t++) {
      let other = bestValues[t];
      if (other > best || (other == best && bestIds[t] < bestId)) {
        best = other;
        bestId = bestIds[t];
      }
    }
    bestValues[0] = best;
    bestIds[0] = bestId;
  }
  workgroupBarrier();
  let found = vec2(bitcast<u32>(bestValues[0]), bestIds[0]);
  workgroupBarrier();
  return found;
}

/** The distribution that is drawn from: probability = exp((logit − highest)·inverseTemperature)/total. */
struct Row {
  base: u32,
  highest: f32,
  inverseTemperature: f32,
  /** Units of 2^-31 a weight of 1. */
  unit: f32,
}

fn weight(row: Row, logit: f32) -> f32 {
  return exp((logit - row.highest) * row.inverseTemperature);
}

/** Lowest rank of the best entries, of those from rank `least` on, that together reach `wanted`: counts, or probability. */
fn lowestRank(row: Row, thread: u32, least: u32, wanted: u32, isProbability: bool) -> u32 {
  var prefix = 0u;
  var mask = 0u;
  var missing = wanted;
  for (var shift = 24i; shift >= 0; shift -= 8) {
    for (var i = thread; i < 256u; i += THREADS) {
      atomicStore(&bins[i], 0u);
    }
    workgroupBarrier();
    for (var i = thread; i < params.vocab; i += THREADS) {
      let logit = logits[row.base + i];
      let key = rank(logit);
      if ((key & mask) == prefix && key >= least) {
        var amount = 1u;
        if (isProbability) {
          amount = u32(weight(row, logit) * row.unit + 0.5);
        }
        atomicAdd(&bins[(key >> u32(shift)) & 255u], amount);
      }
    }
    workgroupBarrier();
    if (thread < 16u) {
      var sum = 0u;
      for (var i = thread * 16u; i < (thread + 1u) * 16u; i++) {
        sum += atomicLoad(&bins[i]);
      }
      binSums[thread] = sum;
    }
    workgroupBarrier();
    // From the highest bin down to the one that reaches what is wanted; every invocation finds the same.
    var coarse = 15u;
    while (coarse > 0u && binSums[coarse] < missing) {
      missing -= binSums[coarse];
      coarse--;
    }
    var bin = coarse * 16u + 15u;
    while (bin > coarse * 16u && atomicLoad(&bins[bin]) < missing) {
      missing -= atomicLoad(&bins[bin]);
      bin--;
    }
    prefix |= bin << u32(shift);
    mask |= 255u << u32(shift);
    // The next byte clears the bins that others may still be reading.
    workgroupBarrier();
  }
  return max(prefix, least);
}

/** Sum of the weights from rank `least` on. */
fn totalWeight(row: Row, thread: u32, least: u32) -> f32 {
  var sum = 0.0;
  for (var i = thread; i < params.vocab; i += THREADS) {
    let logit = logits[row.base + i];
    if (rank(logit) >= least) {
      sum += weight(row, logit);
    }
  }
  bestValues[thread] = sum;
  workgroupBarrier();
  if (thread == 0u) {
    for (var t = 1u; t < THREADS; t++) {
      sum += bestValues[t];
    }
    bestValues[0] = sum;
  }
  workgroupBarrier();
  return bestValues[0];
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let at = workgroup.x * 8u;
  let base = workgroup.x * params.vocab;
  let temperature = bitcast<f32>(settings[at]);
  let topP = bitcast<f32>(settings[at + 1u]);
  let topK = settings[at + 2u];

  var value = LOWEST;
  var id = 0u;
  // Four at a time and by selection: on SwiftShader a branch in a loop costs more than a load. The last entry may count twice.
  for (var first = thread; first < params.vocab; first += 4u * THREADS) {
//!repeat n 4
    let at${n} = min(first + ${n}u * THREADS, params.vocab - 1u);
    let logit${n} = logits[base + at${n}];
    id = select(id, at${n}, logit${n} > value);
    value = select(value, logit${n}, logit${n} > value);
//!end
  }
  var best = bestOf(thread, value, id);

  if (temperature > 0.0) {
    var row = Row(base, bitcast<f32>(best.x), 1.0 / temperature, 1.0);
    // Rank 0 is NaN.
    var least = 1u;
    if (topK > 0u && topK < params.vocab) {
      least = lowestRank(row, thread, least, topK, false);
    }
    if (topP < 1.0) {
      row.unit = 2147483648.0 / totalWeight(row, thread, least);
      least = lowestRank(row, thread, least, max(1u, u32(max(topP, 0.0) * 2147483648.0)), true);
    }
    value = LOWEST;
    id = 0u;
    for (var i = thread; i < params.vocab; i += THREADS) {
      let logit = logits[base + i];
      if (rank(logit) >= least) {
        let drawn = (logit - row.highest) * row.inverseTemperature + gumbel(i, settings[at + 4u], settings[at + 3u]);
        if (drawn > value) {
          value = drawn;
          id = i;
        }
      }
    }
    best = bestOf(thread, value, id);
  }
  if (thread == 0u) {
    output[workgroup.x] = best.y;
    lastTokens[settings[at + 5u]] = best.y;
  }
}
