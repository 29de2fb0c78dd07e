// Inlined by paged_decode instead of decode_softmax where the team has no more lanes than an iteration has scores: the
// team's sums meet by recursive halving, so that each lane ends with OWNED scores of its own, takes their exponentials
// alone, and hands them to the others. Against a butterfly with every lane taking every exponential that is, with 8
// lanes, 2 tokens and 4 heads, 20 shuffles and 2 exponentials instead of 24 and 12.
//
// Score i = token·GROUP + head belongs to the lane whose bits are the leading bits of i, the highest first.
//!repeat t TOKENS
//!repeat h GROUP
//!if ROW_SCALED
      let r0_${t * GROUP + h} = s_${h}_${t} * bitcast<f32>(pool_word(keys_${t} + slot_${t}));
//!else
      let r0_${t * GROUP + h} = s_${h}_${t};
//!end
//!end
//!end
//!if LANE_STEPS > 0
//!repeat i HALF_0
      let r1_${i} = select(r0_${i}, r0_${i + HALF_0}, bit_0) + subgroupShuffleXor(select(r0_${i + HALF_0}, r0_${i}, bit_0), 1u);
//!end
//!end
//!if LANE_STEPS > 1
//!repeat i HALF_1
      let r2_${i} = select(r1_${i}, r1_${i + HALF_1}, bit_1) + subgroupShuffleXor(select(r1_${i + HALF_1}, r1_${i}, bit_1), 2u);
//!end
//!end
//!if LANE_STEPS > 2
//!repeat i HALF_2
      let r3_${i} = select(r2_${i}, r2_${i + HALF_2}, bit_2) + subgroupShuffleXor(select(r2_${i + HALF_2}, r2_${i}, bit_2), 4u);
//!end
//!end
//!if LANE_STEPS > 3
//!repeat i HALF_3
      let r4_${i} = select(r3_${i}, r3_${i + HALF_3}, bit_3) + subgroupShuffleXor(select(r3_${i + HALF_3}, r3_${i}, bit_3), 8u);
//!end
//!end
//!if LANE_STEPS > 4
//!repeat i HALF_4
      let r5_${i} = select(r4_${i}, r4_${i + HALF_4}, bit_4) + subgroupShuffleXor(select(r4_${i + HALF_4}, r4_${i}, bit_4), 16u);
//!end
//!end
//!repeat j OWNED
//!if LANE_STEPS == 1
      var own_${j} = r1_${j};
//!end
//!if LANE_STEPS == 2
      var own_${j} = r2_${j};
//!end
//!if LANE_STEPS == 3
      var own_${j} = r3_${j};
//!end
//!if LANE_STEPS == 4
      var own_${j} = r4_${j};
//!end
//!if LANE_STEPS == 5
      var own_${j} = r5_${j};
//!end
      let ownAt_${j} = base + (owned + ${j}u) / ${GROUP}u * TEAMS + team;
      let ownValid_${j} = ownAt_${j} < stop;
//!if SCORES
      if (ownValid_${j}) {
        scores[(queryRow + (owned + ${j}u) % ${GROUP}u) * params.scoreStride + position_of(ownAt_${j}, hidden)] = own_${j};
      }
//!end
      own_${j} = select(NONE, own_${j}, ownValid_${j});
      let ownOld_${j} = ownMax_${j};
      var ownTop_${j} = own_${j};
//!repeat x TOKEN_STEPS
      ownTop_${j} = max(ownTop_${j}, subgroupShuffleXor(ownTop_${j}, 1u << ${x}u));
//!end
      ownMax_${j} = max(ownMax_${j}, ownTop_${j});
      let ownKeep_${j} = exp2(ownOld_${j} - ownMax_${j});
      let ownP_${j} = select(0.0, exp2(own_${j} - ownMax_${j}), ownValid_${j});
      ownSum_${j} = ownSum_${j} * ownKeep_${j} + ownP_${j};
//!end
//!repeat h GROUP
      let keep_${h} = subgroupShuffle(ownKeep_${h % OWNED}, teamLane + owner(${h}u));
//!repeat t TOKENS
      let p_${h}_${t} = subgroupShuffle(ownP_${(t * GROUP + h) % OWNED}, teamLane + owner(${t * GROUP + h}u));
//!end
//!end
