// The k highest scores of each row, ties to the lower index: the exact selection of keepBest (src/core/eviction).
//
// scores   f32 [rows][scoreStride], read as bits
// lengths  u32 [rows / rowsPerLength]: tokens of each row; a row has ceil(tokens / entryTokens) entries
// kept     u32 [rows][keptStride]: indices kept, ascending
// counts   u32 [rows][2]: entries kept; moves
// moves    u32 [rows][keptStride][2]: (from, to) that make the kept entries contiguous (src/core/eviction/moves.ts)
//
// The first `protectFirst` and last `protectLast` entries are kept whatever their score. One workgroup owns one row.
// Among the rest a radix search over four bytes of the scores' order-preserving bits finds the threshold, without
// sorting; then each invocation counts and writes a contiguous segment. Barriers: 3 a byte and 4 in the end, none that
// depends on the length. −0 equals 0; NaN ranks with −∞.

struct Params {
  rowsPerLength: u32,
  entryTokens: u32,
  scoreStride: u32,
  keptStride: u32,
  budget: u32,
  protectFirst: u32,
  protectLast: u32,
};

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> scores: array<u32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read_write> kept: array<u32>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;
//!if MOVES
@group(0) @binding(5) var<storage, read_write> moves: array<u32>;
//!end

const THREADS = ${THREADS}u;
const SEGMENT = THREADS / 16u;

var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> binSums: array<u32, 16>;
var<workgroup> threadCounts: array<u32, ${THREADS}>;
var<workgroup> threadSums: array<u32, 16>;

/** Unsigned order of the bits = order of the scores. */
fn rank(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0x007fffffu;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

/** Entries counted by the invocations before this one; call once all have written threadCounts and threadSums. */
fn countBefore(thread: u32) -> u32 {
  var sum = 0u;
  for (var s = 0u; s < thread / SEGMENT; s++) {
    sum += threadSums[s];
  }
  for (var t = thread / SEGMENT * SEGMENT; t < thread; t++) {
    sum += threadCounts[t];
  }
  return sum;
}

fn sumSegment(thread: u32) {
  if (thread < 16u) {
    var sum = 0u;
    for (var t = thread * SEGMENT; t < (thread + 1u) * SEGMENT; t++) {
      sum += threadCounts[t];
    }
    threadSums[thread] = sum;
  }
}

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(num_workgroups) grid: vec3<u32>,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = workgroup.y * grid.x + workgroup.x;
  let length = (lengths[row / params.rowsPerLength] + params.entryTokens - 1u) / params.entryTokens;
  let total = min(params.budget, length);
  let guardedLast = min(params.protectLast, total);
  let first = min(params.protectFirst, total - guardedLast);
  let last = length - guardedLast;
  // Of the entries in [first, last) so many are wanted.
  let wanted = total - first - guardedLast;
  let base = row * params.scoreStride;

  var prefix = 0u;
  var mask = 0u;
  var missing = wanted;
  for (var shift = 24i; shift >= 0; shift -= 8) {
    for (var i = thread; i < 256u; i += THREADS) {
      atomicStore(&bins[i], 0u);
    }
    workgroupBarrier();
    for (var i = first + thread; i < last; i += THREADS) {
      let key = rank(scores[base + i]);
      if ((key & mask) == prefix) {
        atomicAdd(&bins[(key >> u32(shift)) & 255u], 1u);
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
    // From the highest bin down to the one that holds the last wanted entry; every invocation finds the same.
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
  // Now `prefix` is the lowest rank that is kept, and `missing` how many entries of that very rank are.

  let share = (length + THREADS - 1u) / THREADS;
  let begin = min(thread * share, length);
  let end = min(begin + share, length);
  var ties = 0u;
  var above = 0u;
  for (var i = begin; i < end; i++) {
    if (i < first || i >= last) {
      above++;
    } else if (wanted > 0u) {
      let key = rank(scores[base + i]);
      ties += select(0u, 1u, key == prefix);
      above += select(0u, 1u, key > prefix);
    }
  }
  threadCounts[thread] = ties;
  workgroupBarrier();
  sumSegment(thread);
  workgroupBarrier();
  let tiesBefore = min(countBefore(thread), missing);
  let tiesTaken = min(ties, missing - tiesBefore);
  workgroupBarrier();
  threadCounts[thread] = above + tiesTaken;
  workgroupBarrier();
  sumSegment(thread);
  workgroupBarrier();

  var out = countBefore(thread);
  var tiesLeft = tiesTaken;
  for (var i = begin; i < end; i++) {
    var keep = i < first || i >= last;
    if (!keep && wanted > 0u) {
      let key = rank(scores[base + i]);
      keep = key > prefix || (key == prefix && tiesLeft > 0u);
      tiesLeft -= select(0u, 1u, key == prefix && keep);
    }
//!if MOVES
    if (keep && i >= total) {
      // Sources count down from the last kept entry, holes count up.
      moves[(row * params.keptStride + total - 1u - out) * 2u] = i;
    }
    if (!keep && i < total) {
      moves[(row * params.keptStride + i - out) * 2u + 1u] = i;
    }
    if (i + 1u == total) {
      counts[row * 2u + 1u] = total - out - select(0u, 1u, keep);
    }
//!end
    if (keep) {
      kept[row * params.keptStride + out] = i;
      out++;
    }
  }
  if (thread == 0u) {
    counts[row * 2u] = total;
    if (total == 0u) {
      counts[row * 2u + 1u] = 0u;
    }
  }
}
