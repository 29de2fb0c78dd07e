// Inlined by the decode kernels: opens a run of tokens at..stop; with HOIST the run lies in one block.
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
