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

/** @throws LaunchError when the buffer holds fewer bytes than the launch reads or writes. */
export function checkBytes(kernel: string, name: string, buffer: GPUBuffer, neededBytes: number): void {
  if (buffer.size < neededBytes) {
    throw new LaunchError(
      kernel,
      `${name} holds ${buffer.size} bytes, but this launch needs ${neededBytes}.`,
    );
  }
}

/**
 * Workgroups of a one-dimensional launch as x × y, where x alone may pass the device's limit. The kernel rebuilds the
 * index as y·num_workgroups.x + x and drops what lies beyond its work.
 */
export function workgroupGrid(
  kernel: string,
  gpu: { readonly limits: GPUSupportedLimits },
  groups: number,
): [number, number] {
  const limit = gpu.limits.maxComputeWorkgroupsPerDimension;
  if (groups > limit * limit) {
    throw new LaunchError(
      kernel,
      `${groups} workgroups are needed, but the device runs at most ${limit * limit}.`,
    );
  }
  if (groups <= limit) return [groups, 1];
  const y = Math.ceil(groups / limit);
  return [Math.ceil(groups / y), y];
}
