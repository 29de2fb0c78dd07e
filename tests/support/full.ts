/**
 * How much of the kernels' product is tested. `npm test` runs a covering set (every value of every axis meets every
 * tier); `npm run test:kernels` sets KVLAB_KERNELS=full and runs the whole product.
 */

/** True under `npm run test:kernels`, in Node and in the browser alike. */
export const FULL_PRODUCT: boolean = readSetting('KVLAB_KERNELS') === 'full';

/** vitest.config.ts hands the variable on to every project through `test.env`, which reaches the browser too. */
function readSetting(name: string): string {
  const value: unknown = import.meta.env[name];
  return typeof value === 'string' ? value : '';
}

/**
 * A covering set of a product of axes: every value of every axis appears, and every value of the first axis (the tier)
 * meets every value of each other axis. Under FULL_PRODUCT: the whole product.
 */
export function combinations<T extends Record<string, readonly unknown[]>>(
  axes: T,
  full: boolean = FULL_PRODUCT,
): { [K in keyof T]: T[K][number] }[] {
  return full ? product(axes) : cover(axes);
}

type Row<T extends Record<string, readonly unknown[]>> = { [K in keyof T]: T[K][number] };

function product<T extends Record<string, readonly unknown[]>>(axes: T): Row<T>[] {
  let rows: Record<string, unknown>[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));
  }
  return rows as Row<T>[];
}

/** For each value of the first axis as many rows as the longest other axis has values; each axis cycles, shifted. */
function cover<T extends Record<string, readonly unknown[]>>(axes: T): Row<T>[] {
  const [first, ...others] = Object.entries(axes);
  if (!first) return [];
  const [firstName, firstValues] = first;
  const count = Math.max(1, ...others.map(([, values]) => values.length));
  const rows = firstValues.flatMap((value, tier) =>
    Array.from({ length: count }, (_, at) => {
      const rest = others.map(([name, values], axis) => [name, values[(at + axis * tier) % values.length]]);
      return { [firstName]: value, ...Object.fromEntries(rest) };
    }),
  );
  return rows as Row<T>[];
}
