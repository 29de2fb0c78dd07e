// Inlined by the decode kernels: this workgroup's share of tokens, the scaled query and the empty sums.
  let kvHead = workgroup.x;
  let split = params.firstSplit + workgroup.y;
  let sequence = params.firstSequence + workgroup.z;
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
//!repeat r ELEMENTS
  var acc_${h}_${r} = 0.0;
//!end
//!end

