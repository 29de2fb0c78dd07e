// Rows of K and V of the paged pool, eight values at a time, for kernels whose lanes share a row. The layout is that of
// src/core/kv/formats.ts; the newest tokens of int2 come from the f16 ring: [slot][K, V][kv head][token % R][D / 2].
//
//   row    = keyAt(...)                      where the words and parameters of one token lie
//   scale  = keyScale(row)                   one factor of the whole row; 1 where the format has none
//   affine = keyAffine(row, group)           (gain, offset) of one channel group; unused where the format has none
//   eight  = keyEight(row, affine, i)        values 8i … 8i + 7, to be multiplied by `scale`
//!requires kv_load

const BLOCK_SIZE = ${BLOCK_SIZE}u;

struct KvRow {
  words: u32,
  params: u32,
//!if FORMAT == int2
  ring: bool,
//!end
};

struct Eight {
  a: vec4<f32>,
  b: vec4<f32>,
};

fn kvRow(head: u32, rowWords: u32, paramWords: u32, paramAt: u32, slot: u32) -> KvRow {
  var row: KvRow;
  row.words = head + paramWords + slot * rowWords;
  row.params = head + paramAt;
  return row;
}

fn keyRow(block: u32, kvHead: u32, slot: u32) -> KvRow {
  let head = block * ${BLOCK_WORDS}u + kvHead * ${K_REGION_WORDS}u;
  return kvRow(head, ${K_ROW_WORDS}u, ${K_PARAM_WORDS}u, slot ${K_PARAM_STEP}, slot);
}

fn valueRow(block: u32, kvHead: u32, slot: u32) -> KvRow {
  let head = block * ${BLOCK_WORDS}u + ${KV_HEADS * K_REGION_WORDS}u + kvHead * ${V_REGION_WORDS}u;
  return kvRow(head, ${V_ROW_WORDS}u, ${V_PARAM_WORDS}u, slot ${V_PARAM_STEP}, slot);
}

//!if FORMAT == int2
fn ringRow(residualSlot: u32, part: u32, kvHead: u32, token: u32) -> KvRow {
  let ring = ((residualSlot * 2u + part) * ${KV_HEADS}u + kvHead) * ${RESIDUAL_TOKENS}u + token % ${RESIDUAL_TOKENS}u;
  return KvRow(ring * ${HEAD_DIM / 2}u, 0u, true);
}

fn ringEight(row: KvRow, i: u32) -> Eight {
  let at = row.words + i * 4u;
  return Eight(
    vec4<f32>(unpack2x16float(residual[at]), unpack2x16float(residual[at + 1u])),
    vec4<f32>(unpack2x16float(residual[at + 2u]), unpack2x16float(residual[at + 3u])));
}
//!end

/** The row of a token, in the pool or, for the newest of int2, in the ring. `ring` is the sequence's residual slot. */
fn keyAt(block: u32, kvHead: u32, token: u32, contextLength: u32, ring: u32) -> KvRow {
//!if FORMAT == int2
  if (token >= contextLength / ${RESIDUAL_TOKENS}u * ${RESIDUAL_TOKENS}u) {
    return ringRow(ring, 0u, kvHead, token);
  }
//!end
  return keyRow(block, kvHead, token % BLOCK_SIZE);
}

fn valueAt(block: u32, kvHead: u32, token: u32, contextLength: u32, ring: u32) -> KvRow {
//!if FORMAT == int2
  if (token + ${RESIDUAL_TOKENS}u >= contextLength) {
    return ringRow(ring, 1u, kvHead, token);
  }
//!end
  return valueRow(block, kvHead, token % BLOCK_SIZE);
}

//!if FORMAT == f32
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let at = row.words + i * 8u;
  return Eight(
    bitcast<vec4<f32>>(vec4<u32>(pool[at], pool[at + 1u], pool[at + 2u], pool[at + 3u])),
    bitcast<vec4<f32>>(vec4<u32>(pool[at + 4u], pool[at + 5u], pool[at + 6u], pool[at + 7u])));
}
//!end
//!if FORMAT == f16
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let at = row.words + i * 4u;
  return Eight(
    vec4<f32>(unpack2x16float(pool[at]), unpack2x16float(pool[at + 1u])),
    vec4<f32>(unpack2x16float(pool[at + 2u]), unpack2x16float(pool[at + 3u])));
}
//!end
//!if FORMAT == int8
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let at = row.words + i * 2u;
  return Eight(kv_int8(pool[at]), kv_int8(pool[at + 1u]));
}
//!end
//!if FORMAT == fp8-e4m3
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let at = row.words + i * 2u;
  return Eight(kv_raw_e4m3(pool[at]), kv_raw_e4m3(pool[at + 1u]));
}
//!end
//!if FORMAT == fp8-e5m2
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let at = row.words + i * 2u;
  return Eight(kv_e5m2(pool[at]), kv_e5m2(pool[at + 1u]));
}
//!end
//!if FORMAT == int4
fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  let word = pool[row.words + i];
  return Eight(
    kv_raw_int4(word, 0u) * affine.x + affine.y,
    kv_raw_int4(word, 1u) * affine.x + affine.y);
}
//!end
//!if FORMAT == int2
fn channelAffine(row: KvRow, channel: u32) -> vec2<f32> {
  return kv_scale_min(pool[row.params + channel]);
}

fn keyEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  if (row.ring) {
    return ringEight(row, i);
  }
  let word = pool[row.words + i / 2u] >> (16u * (i % 2u));
  let first = i * 8u;
//!repeat c 8
  let pair${c} = channelAffine(row, first + ${c}u);
//!end
  return Eight(
    kv_int2(word, 0u) * vec4(pair0.x, pair1.x, pair2.x, pair3.x) + vec4(pair0.y, pair1.y, pair2.y, pair3.y),
    kv_int2(word, 1u) * vec4(pair4.x, pair5.x, pair6.x, pair7.x) + vec4(pair4.y, pair5.y, pair6.y, pair7.y));
}

fn valueEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  if (row.ring) {
    return ringEight(row, i);
  }
  let word = pool[row.words + i / 2u] >> (16u * (i % 2u));
  return Eight(
    kv_raw_int2(word, 0u) * affine.x + affine.y,
    kv_raw_int2(word, 1u) * affine.x + affine.y);
}
//!else
fn valueEight(row: KvRow, affine: vec2<f32>, i: u32) -> Eight {
  return keyEight(row, affine, i);
}
//!end

/** Gain and offset from a raw code (1 ≤ raw < 2, kv_load.wgsl) to the value. */
fn groupAffine(pair: vec2<f32>, levels: f32) -> vec2<f32> {
  return vec2(pair.x * levels, pair.y - pair.x * levels);
}

fn keyScale(row: KvRow) -> f32 {
//!if K_PARAMS == row
  return bitcast<f32>(pool[row.params])${E4M3_FACTOR};
//!else
  return 1.0;
//!end
}

fn valueScale(row: KvRow) -> f32 {
//!if V_PARAMS == row
  return bitcast<f32>(pool[row.params])${E4M3_FACTOR};
//!else
  return 1.0;
//!end
}

fn keyAffine(row: KvRow, group: u32) -> vec2<f32> {
//!if K_PARAMS == row-group
  return groupAffine(kv_scale_min(pool[row.params + group]), ${CODE_LEVELS}.0);
//!else
  return vec2(1.0, 0.0);
//!end
}

fn valueAffine(row: KvRow, group: u32) -> vec2<f32> {
//!if V_PARAMS == row-group
  return groupAffine(kv_scale_min(pool[row.params + group]), ${CODE_LEVELS}.0);
//!else
  return vec2(1.0, 0.0);
//!end
}
