// Reads tokens back from the pool as f32 rows: the inverse of the append.
//
//   slots       i32 [tokens], block·BLOCK_SIZE + offset, or −1: the token's rows are left as they are
//   ring_rows   i32 [tokens][K, V] (int2): residual slot · R + row in the ring, or −1: the token is quantized
//   key, value  f32 [tokens][KV_HEADS][D]
//
// One lane owns 4 channels of one row. Set with the pipeline: FORMAT, HEAD_DIM (D), KV_HEADS, BLOCK_SIZE, BLOCK_WORDS, and for K and
// V the words of a region, its parameters and a row; CHANNEL_GROUP, TOKEN_GROUP, RESIDUAL_TOKENS where the format has them.

//!requires kv_load

struct Params {
  tokens: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pool: array<u32>;
@group(0) @binding(2) var<storage, read> slots: array<i32>;
@group(0) @binding(3) var<storage, read_write> key: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> value: array<vec4<f32>>;
//!if FORMAT == int2
@group(0) @binding(5) var<storage, read> ring: array<u32>;
@group(0) @binding(6) var<storage, read> ring_rows: array<i32>;

fn ring_quad(token: u32, part: u32, head: u32, quad: u32) -> vec4<f32> {
  let row = u32(ring_rows[token * 2u + part]);
  let slot = row / ${RESIDUAL_TOKENS}u;
  let at = (((slot * 2u + part) * ${KV_HEADS}u + head) * ${RESIDUAL_TOKENS}u + row % ${RESIDUAL_TOKENS}u) * ${HEAD_DIM / 2}u + quad * 2u;
  return vec4(unpack2x16float(ring[at]), unpack2x16float(ring[at + 1u]));
}
//!end

/** Four values of one row; `parameters` is the region's first word. */
fn load(part: u32, parameters: u32, row: u32, offset: u32, quad: u32) -> vec4<f32> {
//!if FORMAT == f32
  let at = row + quad * 4u;
  return bitcast<vec4<f32>>(vec4(pool[at], pool[at + 1u], pool[at + 2u], pool[at + 3u]));
//!end
//!if FORMAT == f16
  let at = row + quad * 2u;
  return vec4(unpack2x16float(pool[at]), unpack2x16float(pool[at + 1u]));
//!end
//!if FORMAT == int8
  return kv_int8(pool[row + quad]) * bitcast<f32>(pool[parameters + offset]);
//!end
//!if FORMAT == fp8-e4m3
  return kv_e4m3(pool[row + quad]) * bitcast<f32>(pool[parameters + offset]);
//!end
//!if FORMAT == fp8-e5m2
  return kv_e5m2(pool[row + quad]) * bitcast<f32>(pool[parameters + offset]);
//!end
//!if FORMAT == int4
  let pair = kv_scale_min(pool[parameters + offset * ${HEAD_DIM / CHANNEL_GROUP}u + quad / ${CHANNEL_GROUP / 4}u]);
  return kv_int4(pool[row + quad / 2u], quad % 2u) * pair.x + pair.y;
//!end
//!if FORMAT == int2
  let codes = kv_int2(pool[row + quad / 4u], quad % 4u);
  if part == 1u {
    let pair = kv_scale_min(pool[parameters + offset * ${HEAD_DIM / CHANNEL_GROUP}u + quad / ${CHANNEL_GROUP / 4}u]);
    return codes * pair.x + pair.y;
  }
  let at = parameters + offset / ${TOKEN_GROUP}u * ${HEAD_DIM}u + quad * 4u;
  let a = kv_scale_min(pool[at]);
  let b = kv_scale_min(pool[at + 1u]);
  let c = kv_scale_min(pool[at + 2u]);
  let d = kv_scale_min(pool[at + 3u]);
  return codes * vec4(a.x, b.x, c.x, d.x) + vec4(a.y, b.y, c.y, d.y);
//!end
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * 64u + id.x;
  let quad = item % ${HEAD_DIM / 4}u;
  let region = (item / ${HEAD_DIM / 4}u) % ${2 * KV_HEADS}u;
  let token = item / ${HEAD_DIM / 4 * 2 * KV_HEADS}u;
  if token >= params.tokens {
    return;
  }
  let slot = slots[token];
  let part = region / ${KV_HEADS}u;
  let head = region % ${KV_HEADS}u;
  let target_quad = (token * ${KV_HEADS}u + head) * ${HEAD_DIM / 4}u + quad;
//!if FORMAT == int2
  if ring_rows[token * 2u + part] >= 0 {
    let x = ring_quad(token, part, head, quad);
    if part == 0u {
      key[target_quad] = x;
    } else {
      value[target_quad] = x;
    }
    return;
  }
//!end
  if slot < 0 {
    return;
  }
  let block = u32(slot) / ${BLOCK_SIZE}u * ${BLOCK_WORDS}u;
  let offset = u32(slot) % ${BLOCK_SIZE}u;
  if part == 0u {
    let parameters = block + head * ${K_REGION_WORDS}u;
    let row = parameters + ${K_PARAM_WORDS}u + offset * ${ROW_WORDS}u;
    key[target_quad] = load(part, parameters, row, offset, quad);
  } else {
    let parameters = block + ${KV_HEADS * K_REGION_WORDS}u + head * ${V_REGION_WORDS}u;
    let row = parameters + ${V_PARAM_WORDS}u + offset * ${ROW_WORDS}u;
    value[target_quad] = load(part, parameters, row, offset, quad);
  }
}
