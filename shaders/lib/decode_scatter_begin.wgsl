// Inlined by paged_decode before the loop: the scores that this lane owns.
//!if LANE_STEPS > 0
  let bit_0 = (lane & 1u) != 0u;
//!end
//!if LANE_STEPS > 1
  let bit_1 = (lane & 2u) != 0u;
//!end
//!if LANE_STEPS > 2
  let bit_2 = (lane & 4u) != 0u;
//!end
//!if LANE_STEPS > 3
  let bit_3 = (lane & 8u) != 0u;
//!end
//!if LANE_STEPS > 4
  let bit_4 = (lane & 16u) != 0u;
//!end
  let owned = ${OWNED}u * reversed(lane);
  let teamLane = subgroupLane - lane;
//!repeat j OWNED
  var ownMax_${j} = NONE;
  var ownSum_${j} = 0.0;
//!end
