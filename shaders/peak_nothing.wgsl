// The smallest dispatch that is still one: what is left of its time is the price of dispatching.
@group(0) @binding(0) var<storage, read_write> sink: array<u32>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  // Never true for the sizes that are dispatched; keeps the binding alive.
  if (id.x == 0xffffffffu) {
    sink[0] = id.x;
  }
}
