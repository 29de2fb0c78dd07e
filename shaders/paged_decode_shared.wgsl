// Paged decode attention, no-subgroup tier (Firefox, Safari 26): shapes, bindings, layout and numerics of
// paged_decode.wgsl, but a team's sums meet in shared memory.
//
// One workgroup owns (kvHead, split, sequence) and serves all GROUP query heads of its KV head. A tile is TEAMS ×
// TILE_STEPS tokens: every lane leaves its part of each score in shared memory, a barrier, all lanes add up and mask
// the tile's scores, a barrier, and every team weighs the values of its own tokens. Two barriers a tile, however many
// tokens it holds, and one rescaling of the sums a tile.
//
// Constants: LANES lanes a token, TEAMS teams, TILE_STEPS tokens of one team in a tile.
// Rows of `parts` are one word longer than a team, so that lanes adding up neighbouring rows meet no bank conflict.
// Shared memory: TILE·GROUP·(LANES + 2) words in the loop; TEAMS·(headDim + 2·GROUP) to join the teams.
//!requires kv_load
//!requires decode_interface

const LANES = ${LANES}u;
var<workgroup> parts: array<f32, ${TILE * GROUP * (LANES + 1)}>;
var<workgroup> tileScores: array<f32, ${TILE * GROUP}>;
//!if SUBGROUP_COUNT > 1
var<workgroup> sharedMax: array<f32, ${GROUP * SUBGROUP_COUNT}>;
var<workgroup> sharedSum: array<f32, ${GROUP * SUBGROUP_COUNT}>;
var<workgroup> sharedOut: array<f32, ${SUBGROUP_COUNT * HEAD_DIM}>;
//!end

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) index: u32) {
  let lane = index % LANES;
  let team = index / LANES;
//!requires decode_begin
//!requires decode_segment
    for (var base = at; base < stop; base += ${TILE}u) {
      // Uniform, and short where the run ends within the tile.
      let steps = min(${TILE_STEPS}u, (stop - base + ${TEAMS - 1}u) / ${TEAMS}u);
      for (var step = 0u; step < steps; step++) {
        let token = step * ${TEAMS}u + team;
        let safe_0 = min(base + token, stop - 1u);
//!if HOIST
        let slot_0 = slot0 + (safe_0 - at);
        let keys_0 = keys_of(block, kvHead);
//!else
        let position_0 = position_of(safe_0, hidden);
        let slot_0 = position_0 % BLOCK_SIZE;
        let keys_0 = keys_of(block_of(row, position_0), kvHead);
//!end
        let keyRow_0 = row_unit(keys_0 + ${K_PARAM_WORDS}u, slot_0);
//!if ROW_SCALED
        let keyScale = bitcast<f32>(pool_word(keys_0 + slot_0));
//!end
//!repeat h GROUP
        var s_${h}_0 = 0.0;
//!end
//!requires decode_keys
//!repeat h GROUP
//!if ROW_SCALED
        parts[(token * ${GROUP}u + ${h}u) * (LANES + 1u) + lane] = s_${h}_0 * keyScale;
//!else
        parts[(token * ${GROUP}u + ${h}u) * (LANES + 1u) + lane] = s_${h}_0;
//!end
//!end
      }
      workgroupBarrier();
      for (var entry = index; entry < steps * ${TEAMS * GROUP}u; entry += ${WORKGROUP}u) {
        var score = 0.0;
//!repeat l LANES
        score += parts[entry * (LANES + 1u) + ${l}u];
//!end
        let token = base + entry / ${GROUP}u;
        tileScores[entry] = select(NONE, score, token < stop);
//!if SCORES
        if (token < stop) {
          scores[(queryRow + entry % ${GROUP}u) * params.scoreStride + position_of(token, hidden)] = score;
        }
//!end
      }
      workgroupBarrier();
//!repeat h GROUP
      let old_${h} = max_${h};
//!end
      for (var step = 0u; step < steps; step++) {
        let entry = (step * ${TEAMS}u + team) * ${GROUP}u;
//!repeat h GROUP
        max_${h} = max(max_${h}, tileScores[entry + ${h}u]);
//!end
      }
//!repeat h GROUP
      {
        let keep = exp2(old_${h} - max_${h});
        sum_${h} *= keep;
//!repeat r ELEMENTS
        acc_${h}_${r} *= keep;
//!end
      }
//!end
      for (var step = 0u; step < steps; step++) {
        let token = step * ${TEAMS}u + team;
        let safe_0 = min(base + token, stop - 1u);
//!if HOIST
        let slot_0 = slot0 + (safe_0 - at);
        let values_0 = values_of(block, kvHead);
//!else
        let position_0 = position_of(safe_0, hidden);
        let slot_0 = position_0 % BLOCK_SIZE;
        let values_0 = values_of(block_of(row, position_0), kvHead);
//!end
        let valueRow_0 = row_unit(values_0 + ${V_PARAM_WORDS}u, slot_0);
//!repeat h GROUP
        let p_${h}_0 = select(0.0, exp2(tileScores[token * ${GROUP}u + ${h}u] - max_${h}), base + token < stop);
        sum_${h} += p_${h}_0;
//!end
//!requires decode_values
      }
    }
//!requires decode_segment_end
//!requires decode_join
}
