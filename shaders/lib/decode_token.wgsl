// Inlined by the decode kernels: where the keys and values of this iteration's tokens lie, in words. With PREFETCH
// the values are asked for before the scores are known, so that more loads are in flight.
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
      let keys_${t} = keys_of(block_${t}, kvHead);
      let keyRow_${t} = row_unit(keys_${t} + ${K_PARAM_WORDS}u, slot_${t});
      let values_${t} = values_of(block_${t}, kvHead);
      let valueRow_${t} = row_unit(values_${t} + ${V_PARAM_WORDS}u, slot_${t});
//!if PREFETCH
//!repeat c CHUNKS
//!if c >= RAGGED_FROM
      let early_${t}_${c} = pool[valueRow_${t} + min(unit_${c}, ${ROW_UNITS - 1}u)];
//!else
      let early_${t}_${c} = pool[valueRow_${t} + unit_${c}];
//!end
//!end
//!end
//!repeat h GROUP
      var s_${h}_${t} = 0.0;
//!end
//!end
