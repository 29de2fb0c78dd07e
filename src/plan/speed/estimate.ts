/**
 * What a candidate does with a number of requests in flight: times, rates, phases and operations of one replica.
 *
 * Boundary: a closed loop of `batch` requests of mean length. Queueing at a rate, percentiles, replicas and cost are the
 * caller's, who multiplies the means by the factors of `interval`.
 */
import type { PlanOperation, PlanSpeed } from '../../core/run/plan.ts';
import { speedBands, type SpeedBands } from '../calibration/bands.ts';
import type { Candidate, LoadLengths, PlanSubject } from '../types.ts';
import { stepOperations } from './operations.ts';
import { phaseOf } from './phases.ts';
import { tokensPerStep, type SteadyLoad } from './settings.ts';
import { createSpeed, type Speed } from './speed.ts';

export interface SpeedEstimate {
  readonly speed: Speed;
  readonly batch: number;
  /** A step of `batch` decodes, nothing beside them. */
  readonly decodeStepMs: number;
  /** A prompt alone. */
  readonly prefillMs: number;
  /** In the closed loop, without a queue. */
  readonly ttftMs: number;
  readonly tpotMs: number;
  readonly e2eMs: number;
  /** Of one replica. */
  readonly outputTokensPerSecond: number;
  readonly requestsPerSecond: number;
  readonly phases: PlanSpeed['phases'];
  readonly operations: readonly PlanOperation[];
  /** Measured over predicted, 80 % bands. */
  readonly interval: SpeedBands;
  readonly origin: 'simulated';
  readonly about: string;
}

/** The mean request of a load. @param hitRatio share of prompt tokens that the prefix cache has */
export function steadyLoad(lengths: LoadLengths, hitRatio = 0): SteadyLoad {
  const { meanPrompt, meanOutput } = lengths;
  return { promptTokens: meanPrompt, outputTokens: meanOutput, cachedTokens: hitRatio * meanPrompt };
}

/**
 * @param batch requests in flight on one replica; null: as many sequences as the candidate allows
 * @param hitRatio share of prompt tokens that the prefix cache has, simulated
 */
export function planSpeed(
  candidate: Candidate,
  subject: PlanSubject,
  lengths: LoadLengths,
  batch: number | null,
  hitRatio = 0,
): SpeedEstimate {
  return estimateOf(candidate, subject, steadyLoad(lengths, hitRatio), batch);
}

export function estimateOf(
  candidate: Candidate,
  { model, calibration }: Pick<PlanSubject, 'model' | 'calibration'>,
  load: SteadyLoad,
  batch: number | null,
): SpeedEstimate {
  const { choice, gpu } = candidate;
  const speed = createSpeed(candidate, model, { calibration });
  const inFlight = batch ?? choice.maxSequences;
  const { promptTokens, outputTokens, cachedTokens } = load;
  const context = promptTokens + outputTokens / 2;
  const ttftMs = speed.steadyTtftMs(inFlight, load);
  const tpotMs = speed.steadyTpotMs(inFlight, load);
  const e2eMs = ttftMs + Math.max(0, outputTokens - 1) * tpotMs;
  const requestsPerSecond = (inFlight * 1000) / e2eMs;
  const decode = stepOperations(speed, speed.decodeWork(inFlight, context), 'decode');
  const prefill = stepOperations(speed, speed.prefillWork(promptTokens, cachedTokens), 'prefill');
  return {
    speed,
    batch: inFlight,
    decodeStepMs: speed.tpotMs(inFlight, context) * tokensPerStep(choice.speculation),
    prefillMs: speed.prefillMs(promptTokens, cachedTokens),
    ttftMs,
    tpotMs,
    e2eMs,
    outputTokensPerSecond: requestsPerSecond * outputTokens,
    requestsPerSecond,
    phases: {
      prefill: phaseOf(prefill, gpu, choice.weights),
      decode: phaseOf(decode, gpu, choice.weights),
    },
    operations: [...prefill, ...decode],
    interval: speedBands(model, gpu, speed.calibration),
    origin: 'simulated',
    about: speed.about(),
  };
}
