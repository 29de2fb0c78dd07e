// Inlined by paged_decode: joins the workgroup's teams and writes this split's mean of V and its log-sum.
//!if SUBGROUP_TEAMS > 1
  for (var step = LANES; step < ${LANES * SUBGROUP_TEAMS}u; step *= 2u) {
//!repeat h GROUP
    {
      let otherMax = subgroupShuffleXor(max_${h}, step);
      let joined = max(max_${h}, otherMax);
      let keep = exp2(max_${h} - joined);
      max_${h} = joined;
      sum_${h} *= keep;
      sum_${h} += subgroupShuffleXor(sum_${h}, step);
//!repeat r ELEMENTS
      acc_${h}_${r} *= keep;
      acc_${h}_${r} += subgroupShuffleXor(acc_${h}_${r}, step);
//!end
    }
//!end
  }
//!end
//!if SUBGROUP_COUNT > 1
  let subgroup = index / ${LANES * SUBGROUP_TEAMS}u;
  if (index % ${LANES * SUBGROUP_TEAMS}u == 0u) {
//!repeat h GROUP
    sharedMax[${h * SUBGROUP_COUNT}u + subgroup] = max_${h};
    sharedSum[${h * SUBGROUP_COUNT}u + subgroup] = sum_${h};
//!end
  }
  workgroupBarrier();
//!repeat h GROUP
  {
    var joinedMax = NONE;
    for (var i = 0u; i < ${SUBGROUP_COUNT}u; i++) { joinedMax = max(joinedMax, sharedMax[${h * SUBGROUP_COUNT}u + i]); }
    var total = 0.0;
    for (var i = 0u; i < ${SUBGROUP_COUNT}u; i++) {
      total += sharedSum[${h * SUBGROUP_COUNT}u + i] * exp2(sharedMax[${h * SUBGROUP_COUNT}u + i] - joinedMax);
    }
    let keep = exp2(max_${h} - joinedMax) / max(total, 1e-30);
    if (index % ${LANES * SUBGROUP_TEAMS}u < LANES) {
//!repeat c CHUNKS
//!if c >= RAGGED_FROM
      if (unit_${c} < ${ROW_UNITS}u) {
//!else
      {
//!end
//!repeat r WORD_ELEMENTS
        sharedOut[subgroup * ${HEAD_DIM}u + unit_${c} * ${WORD_ELEMENTS}u + ${r}u] = acc_${h}_${c * WORD_ELEMENTS + r} * keep;
//!end
      }
//!end
    }
    workgroupBarrier();
    let out = (queryRow + ${h}u) * params.splits + split;
    for (var channel = index; channel < ${HEAD_DIM}u; channel += ${WORKGROUP}u) {
      var mean = 0.0;
      for (var i = 0u; i < ${SUBGROUP_COUNT}u; i++) { mean += sharedOut[i * ${HEAD_DIM}u + channel]; }
      partials[out * ${HEAD_DIM}u + channel] = mean;
    }
    if (index == 0u) { lse[out] = select(NONE, joinedMax + log2(total), total > 0.0); }
    workgroupBarrier();
  }
//!end
//!else
  if (index < LANES) {
//!repeat h GROUP
    {
      let out = (queryRow + ${h}u) * params.splits + split;
      let scale = 1.0 / max(sum_${h}, 1e-30);
//!repeat c CHUNKS
//!if c >= RAGGED_FROM
      if (unit_${c} < ${ROW_UNITS}u) {
//!else
      {
//!end
//!repeat r WORD_ELEMENTS
        partials[out * ${HEAD_DIM}u + unit_${c} * ${WORD_ELEMENTS}u + ${r}u] = acc_${h}_${c * WORD_ELEMENTS + r} * scale;
//!end
      }
//!end
      if (lane == 0u) { lse[out] = select(NONE, max_${h} + log2(sum_${h}), sum_${h} > 0.0); }
    }
//!end
  }
//!end
