/** The lab's own faults: each one sentence that says what happened and what to do. */

/** The device went away in the middle. Remedy: the runner rebuilds it once a point. */
export class DeviceLostError extends Error {
  readonly code = 'device-lost';
  /** The platform's own words, often empty. */
  readonly reason: string;
  constructor(reason: string) {
    super('The GPU device was lost: its driver restarted, or another program took it. Start again.');
    this.name = 'DeviceLostError';
    this.reason = reason;
  }
}

/** A kernel disagrees with its twin on this device, so nothing that it does may be timed. */
export class WrongResultError extends Error {
  readonly code = 'wrong-result';
  readonly variant: string;
  readonly maxAbsError: number;
  constructor(variant: string, maxAbsError: number, allowed: number) {
    super(
      `The kernel ${variant} is off by ${maxAbsError.toPrecision(3)} on this device, where ${allowed.toPrecision(3)} is ` +
        'allowed, so it was not timed. Choose another tier and report the device.',
    );
    this.name = 'WrongResultError';
    this.variant = variant;
    this.maxAbsError = maxAbsError;
  }
}

/** The run would take nearly all memory that there is thought to be. */
export class MemoryRiskError extends Error {
  readonly code = 'memory-risk';
  readonly neededBytes: number;
  readonly availableBytes: number;
  constructor(neededBytes: number, availableBytes: number, advice: string) {
    super(`This run needs ${neededBytes} bytes and about ${availableBytes} are there. ${advice}`);
    this.name = 'MemoryRiskError';
    this.neededBytes = neededBytes;
    this.availableBytes = availableBytes;
  }
}

/** Something that this scenario asks for and that cannot be run; the point says why. */
export class UnsupportedError extends Error {
  readonly code = 'unsupported';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'UnsupportedError';
  }
}

/** No adapter was given. */
export class NoAdapterError extends Error {
  readonly code = 'no-adapter';
  constructor() {
    super(
      'There is no GPU that WebGPU may use: switch on hardware acceleration or update the graphics driver.',
    );
    this.name = 'NoAdapterError';
  }
}

/** The device was lost, and no other is to be had: a browser withholds the GPU after it failed several times. */
export class NoDeviceBackError extends Error {
  readonly code = 'no-device-back';
  constructor() {
    super(
      'The GPU was lost and the browser gives none back, as it does after several failures: wait a minute or restart the browser, then try again.',
    );
    this.name = 'NoDeviceBackError';
  }
}

/** How long work on a lost device may take to notice. */
const SETTLE_MS = 2000;

/**
 * `body`, or DeviceLostError when the device went away meanwhile. The body's signal is aborted by the loss, and it has
 * settled when this rejects, so that nothing goes on beside what the caller does next.
 */
export async function unlessLost<T>(device: GPUDevice, body: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const attempt = new AbortController();
  const loss = device.lost.then(({ message }) => {
    const error = new DeviceLostError(message);
    attempt.abort(error);
    throw error;
  });
  const running = body(attempt.signal);
  try {
    return await Promise.race([running, loss]);
  } catch (error) {
    // What work on a dying device throws first may be anything; give the loss a moment to be told.
    await Promise.race([loss.catch(() => undefined), pause(20)]);
    if (!attempt.signal.aborted) throw error;
    await Promise.race([running.catch(() => undefined), pause(SETTLE_MS)]);
    throw attempt.signal.reason;
  } finally {
    loss.catch(() => undefined);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
