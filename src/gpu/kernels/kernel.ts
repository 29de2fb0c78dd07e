/**
 * What all launchers share.
 *
 * A launcher is made once (`await createX(gpu, config)`, which compiles) and encoded often. `encode` checks sizes
 * against arguments and device limits before it dispatches, and throws `LaunchError` with both numbers. Beside each
 * launcher `x.ts` stands `x.twin.ts`: the same function in plain TypeScript and double precision, with no GPU.
 */

/** A launch whose sizes do not fit; a mistake of the caller's, with both numbers in the message. */
export class LaunchError extends Error {
  readonly code = 'launch';
  constructor(kernel: string, problem: string) {
    super(`${kernel}: ${problem}`);
    this.name = 'LaunchError';
  }
}

/** Words that a uniform struct takes, padded to 16 bytes. */
export function uniformWords(values: readonly number[]): Uint32Array {
  const words = new Uint32Array(Math.ceil(values.length / 4) * 4);
  words.set(values);
  return words;
}
