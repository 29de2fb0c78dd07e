// Inlined by paged_decode: the scores s_{head}_{token} of this iteration's tokens, summed over this lane's channels.
//!repeat t TOKENS
//!if INT2
      if (keysInRing) {
        let ringRow = ringKeys + (position + (safe_${t} - at)) % ${RING}u * ${HEAD_DIM / 2}u;
//!repeat c CHUNKS
//!repeat r WORD_ELEMENTS / 2
        {
          let k = unpack2x16float(residual[ringRow + min(unit_${c}, ${ROW_UNITS - 1}u) * ${WORD_ELEMENTS / 2}u + ${r}u]);
//!repeat e 2
//!repeat h GROUP
          s_${h}_${t} += q_${h}_${c * WORD_ELEMENTS + r * 2 + e} * k[${e}];
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
//!if c >= RAGGED_FROM
        let words_${c} = pool[keyRow_${t} + min(unit_${c}, ${ROW_UNITS - 1}u)];
//!else
        let words_${c} = pool[keyRow_${t} + unit_${c}];
//!end
//!if KEY_GROUPED
        let pair_${c} = kv_scale_min(pool_word(keys_${t} + slot_${t} * ${PAIRS}u + min(unit_${c}, ${ROW_UNITS - 1}u) / ${PAIR_UNITS}u));
        let gain_${c} = pair_${c}.x * ${GAIN};
        let low_${c} = pair_${c}.x * ${BIAS} + pair_${c}.y;
//!end
//!repeat w LOAD_WORDS
//!repeat p PARTS
        {
//!if LOAD_WORDS == 1
          let k = raw_part(words_${c}, ${p}u);
//!else
          let k = raw_part(words_${c}[${w}], ${p}u);
//!end
//!repeat e PART_ELEMENTS
          {
//!if KEY_GROUPED
            let x = k[${e}] * gain_${c} + low_${c};
//!else
//!if INT2
            let x = k[${e}] * gain_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e} + low_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e};
//!else
            let x = k[${e}];
//!end
//!end
//!repeat h GROUP
            s_${h}_${t} += q_${h}_${((c * LOAD_WORDS + w) * PARTS + p) * PART_ELEMENTS + e} * x;
//!end
          }
//!end
        }
//!end
//!end
//!end
      }
//!end
