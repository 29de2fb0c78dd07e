// Paged decode attention, subgroup tier: one new query a sequence against its paged KV cache.
//
//   query        f32 [batch][queryHeads][headDim]
//   pool         KV blocks of one layer, src/core/kv/formats.ts, read in their own format
//   blockTable   u32 [batch][tableHeads][tableStride]; left out for the contiguous layout, whose sequence b owns the
//                blocks from b·tableStride on
//   lengths      u32 [batch][tableHeads]; 0 is an inactive row and gives zeros
//   partials, lse the mean of V and log2 Σ 2^score of each split; decode_merge joins them. With one split `partials` is
//                the output itself
//   scores       optional: log2-scaled scores, made probabilities by decode_scores
//
// One workgroup owns (kvHead, split, sequence) and serves all GROUP query heads of its KV head, so that K and V are
// read once for the whole group. Inside it a team of LANES lanes owns a token: lane i holds the channels of the words
// i·W…, (i + LANES)·W…, and the team's sums meet through shuffles, with no barrier and no shared memory in the loop.
// Teams keep their own running maximum and sum, and are joined after the loop.
//
// Constants (src/gpu/kernels/tuning.ts chooses, decode.ts derives): LANES ≤ subgroupMinSize lanes a token; LOAD_WORDS
// u32 a load; TOKENS a team takes an iteration; WORKGROUP lanes; HOIST: one table lookup a block, not a token.
// Registers are named, not indexed: dynamic indexing was 1.5 to 2 times slower.
//
// Tried and slower on SwiftShader, CPU time over this version at B 1, 32/8 heads, D 64, context 2048, block 16:
//   rescaling the sums only when the maximum grew (a loop left at once)   f32 1.55, int8 1.13
//   2 and 4 tokens an iteration                                            0.97–1.08, and 2 to 3 times the compilation
//   one table lookup a block                                               0.98–1.2
//   splits of 64 tokens instead of 128 or more                             1.11–1.26
// A head-per-lane kernel, the usual answer to missing subgroups, takes about 2; paged_decode_shared takes 1.1 to 1.7.
//
// Limits: groups of 1 to 8, head dimensions that are multiples of 16, 64 splits a sequence.
//
// Numerics: f32 throughout; the query is scaled by log2(e)/√headDim beforehand and softmax runs on exp2. Codes enter
// the sums in raw form (kv_load.wgsl), their gain or affine map is applied once a row or group. Tokens beyond the end read the
// last valid row and are masked by selection, so stale NaNs in unused slots never reach a sum.
enable subgroups;
//!requires kv_load
//!requires decode_interface

const LANES = ${LANES}u;
const TEAMS = ${TEAMS}u;
//!if SUBGROUP_COUNT > 1
var<workgroup> sharedMax: array<f32, ${GROUP * SUBGROUP_COUNT}>;
var<workgroup> sharedSum: array<f32, ${GROUP * SUBGROUP_COUNT}>;
var<workgroup> sharedOut: array<f32, ${SUBGROUP_COUNT * HEAD_DIM}>;
//!end

//!if SCATTER
/** The LANE_STEPS bits of x in reverse: which scores a lane owns, and which lane owns a score. */
fn reversed(x: u32) -> u32 {
  return reverseBits(x) >> ${32 - LANE_STEPS}u;
}

fn owner(score: u32) -> u32 {
  return reversed(score / ${OWNED}u);
}
//!end

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) subgroupLane: u32,
) {
  let lane = subgroupLane % LANES;
  let team = index / LANES;
//!requires decode_begin
//!if SCATTER
//!requires decode_scatter_begin
//!end
//!requires decode_segment
    for (var base = at; base < stop; base += ${TEAMS * TOKENS}u) {
//!requires decode_token
//!requires decode_keys
//!if SCATTER
//!requires decode_scatter
//!else
//!requires decode_softmax
//!end
//!requires decode_values
    }
//!requires decode_segment_end
//!if SCATTER
//!requires decode_scatter_end
//!end
//!requires decode_join
}
