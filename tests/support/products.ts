/**
 * Several whole products instead of one, for kernels whose axes fall into parts that do not meet in the code: the query
 * group never meets the block size, and a kernel without subgroup operations is the same text in every tier. The axes
 * outside a product cycle through their values beside it.
 */
import { combinations, FULL_PRODUCT } from './full.ts';

type Axes = Record<string, readonly unknown[]>;
type Row<T extends Axes> = { [K in keyof T]: T[K][number] };

/** The covering set; under FULL_PRODUCT the whole product of each of these sets of axes. */
export function products<T extends Axes>(
  axes: T,
  sets: readonly (readonly (keyof T & string)[])[],
  full: boolean = FULL_PRODUCT,
): Row<T>[] {
  if (!full) return combinations(axes, false);
  return sets.flatMap((names) => {
    const inside = combinations(
      pick(axes, (name) => names.includes(name)),
      true,
    );
    const cycled = Object.entries(pick(axes, (name) => !names.includes(name)));
    return inside.map((row, at) => {
      const rest = cycled.map(([name, values]) => [name, values[at % values.length]]);
      return { ...row, ...Object.fromEntries(rest) } as Row<T>;
    });
  });
}

/** Heads of small models, which the engine pads to multiples of 16. */
export const SMALL_HEAD_DIMS = [16, 32, 48] as const;

/** `products`, and beside them a covering set of small heads with small blocks and groups. */
export function productsWithSmallHeads<T extends Axes & { readonly headDim: readonly number[] }>(
  axes: T,
  sets: readonly (readonly (keyof T & string)[])[],
): Row<T>[] {
  const small = {
    headDim: SMALL_HEAD_DIMS,
    blockSize: [16, 32],
    ...('group' in axes && { group: [1, 2, 4] }),
  };
  return [...products(axes, sets), ...(combinations({ ...axes, ...small }) as Row<T>[])];
}

function pick(axes: Axes, wanted: (name: string) => boolean): Axes {
  return Object.fromEntries(Object.entries(axes).filter(([name]) => wanted(name)));
}
