/**
 * The guard of one plan: it collects what the shadow and the telemetry say, and answers whether the plan may go on.
 *
 * Quality is judged by a test that may be looked at after every sample; latency and errors against what they were before
 * the plan. It decides nothing by itself that is not in the policy, and keeps no clock.
 */
import type { AutopilotTelemetry } from '../../core/run/autopilot.ts';
import type { KvAction } from '../../core/scenario/autopilot/action.ts';
import type { AutopilotPolicy } from '../../core/scenario/autopilot/policy.ts';
import type { ShadowSample } from '../plant.ts';
import { testQuality, type QualityTest } from './quality.ts';

export { canaryGroups } from './canary.ts';
export { testQuality, type QualityTest } from './quality.ts';

/**
 * `harmful`: the loss is above maxQualityDelta at every look. `proven`: it is within. Between the two the loss itself says
 * on which side it is more likely: `doubtful` above, `hopeful` within.
 */
export type QualityVerdict = 'unknown' | 'harmful' | 'doubtful' | 'hopeful' | 'proven';

/** Why a plan must not go on, in a sentence; null: it may. */
export type Breach = string | null;

/** Requests that must end under a plan before their latency or failures say anything. */
export const LEAST_REQUESTS = 5;

/** Whether an action changes what a sequence computes; the others move bytes or limits. */
export function losesQuality(action: KvAction): boolean {
  return action.kind === 'quantize' || action.kind === 'evict';
}

function rounded(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}

export class Guard {
  readonly #policy: AutopilotPolicy;
  readonly #before: AutopilotTelemetry;
  readonly #samples: ShadowSample[] = [];

  /** @param before telemetry when the plan was made */
  constructor(policy: AutopilotPolicy, before: AutopilotTelemetry) {
    this.#policy = policy;
    this.#before = before;
  }

  addSamples(samples: readonly ShadowSample[]): void {
    this.#samples.push(...samples);
  }

  /** Null before the first sample. */
  get quality(): QualityTest | null {
    return testQuality(this.#samples, this.#policy.maxQualityDelta, this.#policy.alpha);
  }

  /** Whether a sequence has been shadowed under this plan: its positions count once. */
  isShadowed(sequence: string): boolean {
    return this.#samples.some((sample) => sample.sequence === sequence);
  }

  /** What the samples say so far; it may be asked after each. */
  get verdict(): QualityVerdict {
    const quality = this.quality;
    const most = this.#policy.maxQualityDelta;
    if (quality === null) return 'unknown';
    if (quality.lower > most) return 'harmful';
    if (quality.upper <= most) return 'proven';
    return quality.delta > most ? 'doubtful' : 'hopeful';
  }

  /** What is wrong with the quality, in a sentence; null: nothing that one would stop for. */
  qualityBreach(): Breach {
    const { quality, verdict } = this;
    if (quality === null || (verdict !== 'harmful' && verdict !== 'doubtful')) return null;
    const sequences = `${quality.sequences} shadowed ${quality.sequences === 1 ? 'sequence' : 'sequences'}`;
    const sure = verdict === 'harmful' ? `, at least ${rounded(quality.lower)} at every look` : '';
    return `Quality: the loss is ${rounded(quality.delta)} on ${quality.samples} positions of ${sequences}${sure}; maxQualityDelta is ${this.#policy.maxQualityDelta}.`;
  }

  /** While a step is watched. */
  serviceBreach(now: AutopilotTelemetry): Breach {
    return this.#latencyBreach(now) ?? this.#errorBreach(now);
  }

  #latencyBreach(now: AutopilotTelemetry): Breach {
    const [before, after] = [this.#before.p95Ms, now.p95Ms];
    const { maxLatencyRatio, latencyP95Ms } = this.#policy;
    const ended = now.finished - this.#before.finished;
    if (before === null || after === null || before <= 0 || ended < LEAST_REQUESTS) return null;
    const ratio = after / before;
    // Within its target a latency may grow: that is what a fuller machine does.
    if (ratio <= maxLatencyRatio || (latencyP95Ms !== null && after <= latencyP95Ms)) return null;
    return `Latency: p95 rose from ${Math.round(before)} to ${Math.round(after)} ms, ${rounded(ratio)} times; maxLatencyRatio is ${maxLatencyRatio}.`;
  }

  #errorBreach(now: AutopilotTelemetry): Breach {
    const failed = now.failed - this.#before.failed;
    const over = now.finished - this.#before.finished + failed;
    const { maxErrorRate } = this.#policy;
    if (failed === 0 || over < LEAST_REQUESTS || failed / over <= maxErrorRate) return null;
    return `Errors: ${failed} of ${over} requests failed under the plan; maxErrorRate is ${maxErrorRate}.`;
  }
}
