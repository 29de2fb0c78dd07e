/**
 * A serving engine in closed form, as aiconfigurator estimates one (@095f58a): no events, no queue of its own. For plans
 * and as a foil for the simulator, which these formulas can be far from where requests wait.
 */

/** Steps that a batch of prompts takes when each step computes `contextTokens` of them. */
export function contextSteps(promptTokens: number, batch: number, contextTokens: number): number {
  return Math.ceil((promptTokens * batch) / contextTokens);
}

/** How much longer than its own steps a first token takes because others are before it: 2 to 4 times. */
export function ttftQueueFactor(steps: number): number {
  return Math.min(2 + (steps - 3) / 20, 4);
}

/** Seconds of an elementwise kernel: 80 % of the bandwidth and 3 µs. */
export function memoryOpSeconds(bytes: number, bytesPerSecond: number): number {
  return bytes / (0.8 * bytesPerSecond) + 3e-6;
}

/** Output tokens a second of `batch` requests in turn, each of which takes ttft + (output − 1) · tpot: Little's law. */
export function littleTokensPerSecond(input: {
  readonly batch: number;
  readonly outputTokens: number;
  readonly ttftSeconds: number;
  readonly tpotSeconds: number;
}): number {
  const { batch, outputTokens, ttftSeconds, tpotSeconds } = input;
  return (batch * (outputTokens - 1)) / (ttftSeconds + tpotSeconds * (outputTokens - 1));
}
