// Inlined by paged_decode: joins the team's sums, masks, and moves the running maximum and sum on.
//!repeat t TOKENS
//!if ROW_SCALED
      let keyScale_${t} = bitcast<f32>(pool_word(keys_${t} + slot_${t}));
//!end
//!repeat h GROUP
//!repeat x LANE_STEPS
      s_${h}_${t} += subgroupShuffleXor(s_${h}_${t}, 1u << ${x}u);
//!end
//!if ROW_SCALED
      s_${h}_${t} *= keyScale_${t};
//!end
//!if TEAM_TOKENS > 1
      s_${h}_${t} = select(NONE, s_${h}_${t}, valid_${t});
//!end
//!end
//!if SCORES
//!if TEAM_TOKENS > 1
      if (lane == 0u && valid_${t}) {
//!else
      if (lane == 0u) {
//!end
//!if HOIST
        let seen = position + (safe_${t} - at);
//!else
        let seen = position_${t};
//!end
//!repeat h GROUP
        scores[(queryRow + ${h}u) * params.scoreStride + seen] = s_${h}_${t};
//!end
      }
//!end
//!end
//!repeat h GROUP
      let old_${h} = max_${h};
//!repeat t TOKENS
      max_${h} = max(max_${h}, s_${h}_${t});
//!end
      let keep_${h} = exp2(old_${h} - max_${h});
      sum_${h} *= keep_${h};
//!end
//!repeat h GROUP
//!repeat t TOKENS
//!if TEAM_TOKENS > 1
      let p_${h}_${t} = select(0.0, exp2(s_${h}_${t} - max_${h}), valid_${t});
//!else
      let p_${h}_${t} = exp2(s_${h}_${t} - max_${h});
//!end
      sum_${h} += p_${h}_${t};
//!end
//!end
