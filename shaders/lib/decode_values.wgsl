// Inlined by paged_decode: adds this iteration's values, weighted, to acc_{head}_{element}.
//!repeat t TOKENS
//!if ROW_SCALED
      let valueScale_${t} = bitcast<f32>(pool_word(values_${t} + slot_${t})) * ${GAIN};
//!end
//!repeat h GROUP
//!if ROW_SCALED
      let weight_${h}_${t} = p_${h}_${t} * valueScale_${t};
//!else
      let weight_${h}_${t} = p_${h}_${t};
//!end
//!end
//!end
//!repeat t TOKENS
//!if INT2
      if (valuesInRing) {
        let ringRow = ringValues + (position + (safe_${t} - at)) % ${RING}u * ${HEAD_DIM / 2}u;
//!repeat c CHUNKS
//!repeat r WORD_ELEMENTS / 2
        {
          let v = unpack2x16float(residual[ringRow + min(unit_${c}, ${ROW_UNITS - 1}u) * ${WORD_ELEMENTS / 2}u + ${r}u]);
//!repeat e 2
//!repeat h GROUP
//!if t < RESCALES
          acc_${h}_${c * WORD_ELEMENTS + r * 2 + e} = acc_${h}_${c * WORD_ELEMENTS + r * 2 + e} * keep_${h} + weight_${h}_${t} * v[${e}];
//!else
          acc_${h}_${c * WORD_ELEMENTS + r * 2 + e} += weight_${h}_${t} * v[${e}];
//!end
//!end
//!end
        }
//!end
//!end
      } else {
//!else
      {
//!end
//!repeat c CHUNKS
//!if PREFETCH
        let words_${c} = early_${t}_${c};
//!else
//!if c >= RAGGED_FROM
        let words_${c} = pool[valueRow_${t} + min(unit_${c}, ${ROW_UNITS - 1}u)];
//!else
        let words_${c} = pool[valueRow_${t} + unit_${c}];
//!end
//!end
//!if VALUE_GROUPED
        let pair_${c} = kv_scale_min(pool_word(values_${t} + slot_${t} * ${PAIRS}u + min(unit_${c}, ${ROW_UNITS - 1}u) / ${PAIR_UNITS}u));
        let gain_${c} = pair_${c}.x * ${GAIN};
        let low_${c} = pair_${c}.x * ${BIAS} + pair_${c}.y;
//!end
//!repeat w LOAD_WORDS
//!repeat p PARTS
        {
//!if LOAD_WORDS == 1
          let v = raw_part(words_${c}, ${p}u);
//!else
          let v = raw_part(words_${c}[${w}], ${p}u);
//!end
//!repeat e PART_ELEMENTS
          {
//!if VALUE_GROUPED
            let x = v[${e}] * gain_${c} + low_${c};
//!else
            let x = v[${e}];
//!end
//!repeat h GROUP
//!if t < RESCALES
            acc_${h}_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e} = acc_${h}_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e} * keep_${h} + weight_${h}_${t} * x;
//!else
            acc_${h}_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e} += weight_${h}_${t} * x;
//!end
//!end
          }
//!end
        }
//!end
//!end
//!end
      }
//!end
