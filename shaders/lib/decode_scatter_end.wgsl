// Inlined by paged_decode after the loop: every lane learns the maximum and the sum of every head.
//!repeat h GROUP
  max_${h} = subgroupShuffle(ownMax_${h % OWNED}, teamLane + owner(${h}u));
//!repeat t TOKENS
  sum_${h} += subgroupShuffle(ownSum_${(t * GROUP + h) % OWNED}, teamLane + owner(${t * GROUP + h}u));
//!end
//!end
