// Copies whole blocks inside one pool: copy-on-write and compaction.
//
//   moves  (from, to) pairs of block ids. In one dispatch no block is both source and destination and none is written
//          twice; the launcher checks this and dispatches waves (src/core/kv/compaction.ts).
//   pool   read and written through one binding: two bindings of one buffer may not alias when one of them is written
//
// Words are copied as they are, whatever the format. A load takes 4 words where a block is a multiple of 16 bytes, else 1.
// One workgroup owns CHUNK units of one move; consecutive lanes copy consecutive units.
//
// Set with the pipeline: UNIT (vec4<u32> or u32), BLOCK_UNITS, CHUNK (units a workgroup copies), THREADS.
// copyBufferToBuffer cannot do this: source and destination must be different buffers.

struct Params {
  moves: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> moves: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> pool: array<${UNIT}>;

const CHUNKS = ${(BLOCK_UNITS + CHUNK - 1) / CHUNK}u;

@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let at = group.y * groups.x + group.x;
  if at >= params.moves * CHUNKS {
    return;
  }
  let units = moves[at / CHUNKS] * ${BLOCK_UNITS}u;
  let first = (at % CHUNKS) * ${CHUNK}u;
  let end = min(first + ${CHUNK}u, ${BLOCK_UNITS}u);
  for (var i = first + index; i < end; i += ${THREADS}u) {
    pool[units.y + i] = pool[units.x + i];
  }
}
