// Writes the newest tokens of each sequence into its f16 ring (int2 caches), keys or values in one dispatch. Runs after
// residual_flush.wgsl, which reads the rows that are overwritten here.
//
//   ring  u32 [residual slots][K, V][KV_HEADS][R][D/2], f16 pairs
//
// One lane owns 4 channels of one of the last min(new tokens, R) tokens of one sequence. The host launches as many
// tokens for every sequence as the longest one adds; lanes beyond their sequence's do nothing.
// Set with the pipeline: HEAD_DIM (D), KV_HEADS, RESIDUAL_TOKENS, PART (0: keys, 1: values).

//!requires kv_store_sequences

@group(0) @binding(5) var<storage, read_write> ring: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let item = id.y * groups.x * 64u + id.x;
  let quad = item % ${HEAD_DIM / 4}u;
  let head = (item / ${HEAD_DIM / 4}u) % ${KV_HEADS}u;
  let row = item / ${HEAD_DIM / 4 * KV_HEADS}u;
  let rows = min(params.max_new_tokens, ${RESIDUAL_TOKENS}u);
  let back = row % rows;
  if row / rows >= params.batch {
    return;
  }
  let sequence = sequence_of(row / rows);
  if back >= sequence.after - sequence.before {
    return;
  }
  let token = sequence.after - 1u - back;
  let x = input[input_quad(sequence, head, token, quad)];
  let at = ring_word(sequence, ${PART}u, head, token, quad);
  ring[at] = f16_pair(x.x, x.y);
  ring[at + 1u] = f16_pair(x.z, x.w);
}
