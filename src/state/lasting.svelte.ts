/**
 * State that outlives the view that happened to make it. A derived value belongs to the effect it was made under, and is
 * never computed anew once that effect has ended: a state that is made when a room is first entered, and kept on the
 * app, has to be made under nothing.
 */
export function lasting<T>(make: () => T): T {
  const made: T[] = [];
  // Never ended: what is made holds no effect, only derived values, and goes when nobody refers to it.
  $effect.root(() => {
    made.push(make());
  });
  // Without a page there are no effects, and no root runs.
  return made[0] ?? make();
}
