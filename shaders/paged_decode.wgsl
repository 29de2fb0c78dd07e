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
// Numerics: f32 throughout; the query is scaled by log2(e)/√headDim beforehand and softmax runs on exp2. Codes enter
// the sums in raw form (kv_load.wgsl), their affine map is applied once a row or group. Tokens beyond the end read the
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

@compute @workgroup_size(${WORKGROUP})
fn main(
  @builtin(workgroup_id) workgroup: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_invocation_id) subgroupLane: u32,
) {
  let kvHead = workgroup.x;
  let split = workgroup.y;
  let sequence = workgroup.z;
  let lane = subgroupLane % LANES;
  let team = index / LANES;
  let row = sequence * params.tableHeads + select(0u, kvHead, params.tableHeads > 1u);
  let length = contextLengths[row];
  let visible = visible_tokens(length);
  let hidden = length - visible;
  let first = split * params.tokensPerSplit;
  // The last split takes the rest, so that a longer context than the launch was told of is slow but not wrong.
  let last = select(min(first + params.tokensPerSplit, visible), visible, split + 1u == params.splits);
  if (first >= visible && split > 0u) { return; }
  let queryRow = sequence * ${QUERY_HEADS}u + kvHead * ${GROUP}u;

//!repeat c CHUNKS
  let unit_${c} = ${c * LANES}u + lane;
//!repeat r WORD_ELEMENTS
//!repeat h GROUP
//!if c >= RAGGED_FROM
  let q_${h}_${c * WORD_ELEMENTS + r} = select(0.0, query[(queryRow + ${h}u) * ${HEAD_DIM}u + min(unit_${c}, ${ROW_UNITS - 1}u) * ${WORD_ELEMENTS}u + ${r}u] * ${Q_SCALE}, unit_${c} < ${ROW_UNITS}u);
//!else
  let q_${h}_${c * WORD_ELEMENTS + r} = query[(queryRow + ${h}u) * ${HEAD_DIM}u + unit_${c} * ${WORD_ELEMENTS}u + ${r}u] * ${Q_SCALE};
//!end
//!end
//!end
//!end
//!if INT2
  // KIVI: whole rings of keys are quantized, and all values but the newest ring; the rest lies in f16 rings.
  let quantizedKeys = length / ${RING}u * ${RING}u;
  let quantizedValues = length - min(length, ${RING}u);
  let ringKeys = (residualSlots[sequence] * ${2 * KV_HEADS}u + kvHead) * ${RING * HEAD_DIM / 2}u;
  let ringValues = ringKeys + ${KV_HEADS * RING * HEAD_DIM / 2}u;
//!end
//!repeat h GROUP
  var max_${h} = NONE;
  var sum_${h} = 0.0;
//!if FOLD_BIAS
  // Σ q·(raw·gain + bias): gain is in Q_SCALE, the bias starts each dot product.
  var qBias_${h} = 0.0;
//!repeat r ELEMENTS
  qBias_${h} += q_${h}_${r};
//!end
  qBias_${h} *= ${RAW_BIAS};
  var bias_${h} = 0.0;
//!end
//!repeat r ELEMENTS
  var acc_${h}_${r} = 0.0;
//!end
//!end

//!if HOIST
  var at = first;
  while (at < last) {
    let position = position_of(at, hidden);
    let offset = position % ${SEGMENT}u;
    var stop = min(last, at + ${SEGMENT}u - offset);
//!if WINDOWED
    stop = select(stop, min(stop, params.sinkTokens), at < params.sinkTokens);
//!end
//!if INT2
    let keysInRing = position >= quantizedKeys;
    let valuesInRing = position >= quantizedValues;
    stop = select(min(stop, at + quantizedValues - position), stop, valuesInRing);
    stop = select(min(stop, at + quantizedKeys - position), stop, keysInRing);
//!end
    let block = block_of(row, position);
    let slot0 = position % BLOCK_SIZE;
//!if INT2
    let pairs = block * ${BLOCK_WORDS}u + kvHead * ${K_REGION_WORDS}u + slot0 / ${SEGMENT}u * ${HEAD_DIM}u;
//!repeat c CHUNKS
//!repeat r WORD_ELEMENTS
    let pair_${c * WORD_ELEMENTS + r} = kv_scale_min(pool_word(pairs + min(unit_${c}, ${ROW_UNITS - 1}u) * ${WORD_ELEMENTS}u + ${r}u));
    let gain_${c * WORD_ELEMENTS + r} = pair_${c * WORD_ELEMENTS + r}.x * ${GAIN};
    let low_${c * WORD_ELEMENTS + r} = pair_${c * WORD_ELEMENTS + r}.x * ${BIAS} + pair_${c * WORD_ELEMENTS + r}.y;
//!end
//!end
//!end
//!else
  {
    let at = first;
    let stop = last;
//!end
    for (var base = at; base < stop; base += ${TEAMS * TOKENS}u) {
//!repeat t TOKENS
//!if TEAM_TOKENS > 1
      let i_${t} = base + ${t * TEAMS}u + team;
      let valid_${t} = i_${t} < stop;
      let safe_${t} = min(i_${t}, stop - 1u);
//!else
      let safe_${t} = base;
//!end
//!if HOIST
      let block_${t} = block;
      let slot_${t} = slot0 + (safe_${t} - at);
//!else
      let position_${t} = position_of(safe_${t}, hidden);
      let block_${t} = block_of(row, position_${t});
      let slot_${t} = position_${t} % BLOCK_SIZE;
//!end
      let keys_${t} = block_${t} * ${BLOCK_WORDS}u + kvHead * ${K_REGION_WORDS}u;
      let keyRow_${t} = (keys_${t} + ${K_PARAM_WORDS}u + slot_${t} * ${ROW_WORDS}u) / ${LOAD_WORDS}u;
      let values_${t} = block_${t} * ${BLOCK_WORDS}u + ${KV_HEADS * K_REGION_WORDS}u + kvHead * ${V_REGION_WORDS}u;
      let valueRow_${t} = (values_${t} + ${V_PARAM_WORDS}u + slot_${t} * ${ROW_WORDS}u) / ${LOAD_WORDS}u;
//!repeat h GROUP
//!if FOLD_BIAS
      var s_${h}_${t} = qBias_${h};
//!else
      var s_${h}_${t} = 0.0;
//!end
//!end
//!end
//!requires decode_keys
//!requires decode_softmax
//!requires decode_values
    }
//!if HOIST
    at = stop;
  }
//!else
  }
//!end
//!requires decode_join
}
