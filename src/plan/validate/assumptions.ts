/**
 * Which assumption of a plan is likely wrong, from the pattern of its errors: each rule looks for one sign and says what it
 * saw. Several can hold; none does where the errors have no pattern.
 */
import type { Assumption, Validated, ValidatedPoint } from '../../core/run/validation.ts';

interface Signs {
  readonly points: readonly ValidatedPoint[];
  readonly tolerancePercent: number;
  /** Measured over predicted, of the points that have it; null: none has. */
  readonly ratio: (metric: Validated) => number | null;
}

type Rule = (signs: Signs) => Assumption | null;

/** Memory is counted, not modelled: a few percent are already a finding. */
const MEMORY_PERCENT = 3;
const PATTERN = 1.15;

function percent(ratio: number): string {
  const off = Math.abs(ratio - 1) * 100;
  return `${off.toFixed(off < 10 ? 1 : 0)} % ${ratio > 1 ? 'more' : 'less'}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1] ?? 0, sorted[Math.floor(middle)] ?? 0];
  return (low + high) / 2;
}

/** Ratio of a metric at each point, with the requests in flight there. */
function ratios(
  points: readonly ValidatedPoint[],
  metric: Validated,
): { ratio: number; inFlight: number | null }[] {
  return points.flatMap(({ terms, load }) =>
    terms
      .filter((term) => term.metric === metric && term.predicted > 0)
      .map(({ measured, predicted }) => ({ ratio: measured / predicted, inFlight: load.concurrency })),
  );
}

const off = (ratio: number | null, limitPercent: number): ratio is number =>
  ratio !== null && Math.abs(ratio - 1) * 100 > limitPercent;

const weights: Rule = ({ ratio }) => {
  const found = ratio('weightsBytes');
  return off(found, MEMORY_PERCENT)
    ? {
        what: 'the format or the number of the weights',
        because: `they take ${percent(found)} memory than planned`,
        remedy:
          'check engine.weights, and the checkpoint that was served; a part in another format is in memory.weights',
      }
    : null;
};

const pool: Rule = ({ ratio }) => {
  const found = ratio('kvTokens');
  if (!off(found, MEMORY_PERCENT) || off(ratio('weightsBytes'), MEMORY_PERCENT)) return null;
  const same = ratio('weightsBytes') !== null ? ', while the weights are as planned' : '';
  return {
    what: 'what the engine keeps for itself beside weights and KV',
    because: `the pool holds ${percent(found)} tokens than planned${same}`,
    remedy:
      'give the engine’s version, compare engine.memoryUtilization, or put the logged bytes into memory.runtime',
  };
};

/** How the error of TPOT goes with the requests in flight. */
const decode: Rule = ({ points, tolerancePercent, ratio }) => {
  const found = ratio('tpotMs');
  const all = ratios(points, 'tpotMs');
  const batches = all.flatMap(({ ratio: one, inFlight }) => (inFlight === null ? [] : [{ one, inFlight }]));
  const sorted = batches.toSorted((a, b) => a.inFlight - b.inFlight);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least && most && most.inFlight >= 2 * least.inFlight && Math.max(least.one, most.one) > 0) {
    const growth = most.one / least.one;
    const words = `TPOT is ${least.one.toFixed(2)} × the prediction at ${least.inFlight.toFixed(0)} in flight and ${most.one.toFixed(2)} × at ${most.inFlight.toFixed(0)}`;
    if (growth > PATTERN) {
      return {
        what: 'what each sequence adds to a step: reading its KV, the attention kernel, sampling',
        because: words,
        remedy: 'recalibrate; compare the KV format and the attention kernel of the server with the plan’s',
      };
    }
    if (growth < 1 / PATTERN) {
      return {
        what: 'what a step costs whatever is in it: launches, the scheduler, communication',
        because: words,
        remedy: 'recalibrate; check that the server runs with CUDA graphs, and the link between its GPUs',
      };
    }
  }
  return off(found, tolerancePercent / 2)
    ? {
        what: 'the share of the memory bandwidth that decode reaches',
        because: `TPOT is ${found.toFixed(2)} × the prediction${all.length > 1 ? ' at every load' : ''}`,
        remedy: 'recalibrate; check clocks, power limit and which GPU it was',
      }
    : null;
};

const prompts: Rule = ({ points, tolerancePercent, ratio }) => {
  const found = ratio('ttftMs');
  if (!off(found, tolerancePercent / 2)) return null;
  const few = points.every(({ load }) => load.concurrency !== null && load.concurrency <= 2);
  const seen = `TTFT is ${found.toFixed(2)} × the prediction`;
  if (found < 1) {
    return {
      what: 'how much of a prompt is computed',
      because: `${seen}: prompts were found in the prefix cache, or are computed faster than planned`,
      remedy: 'measure with prompts that share nothing, or give the plan the prefix that they share',
    };
  }
  return few
    ? {
        what: 'the share of the arithmetic that a prompt reaches',
        because: `${seen} with next to nothing in flight`,
        remedy: 'recalibrate; check the format that the weights are multiplied in',
      }
    : {
        what: 'waiting: how requests arrive, and how prompts share a step with decodes',
        because: `${seen} under load`,
        remedy: 'measure one request at a time to tell waiting from computing; compare engine.tokenBudget',
      };
};

const client: Rule = ({ tolerancePercent, ratio }) => {
  const found = ratio('outputTokensPerSecond') ?? ratio('requestsPerSecond');
  const times = [ratio('ttftMs'), ratio('tpotMs')];
  const timesAreRight =
    times.some((one) => one !== null) &&
    times.every((one) => one === null || !off(one, tolerancePercent / 2));
  return found !== null && found < 1 - tolerancePercent / 100 && timesAreRight
    ? {
        what: 'that the load was really offered',
        because: `throughput is ${percent(found)} than planned, while the times of a request are right`,
        remedy:
          'look at the client: its warm-up and tail count in, requests failed, or fewer were in flight than asked',
      }
    : null;
};

const RULES: readonly Rule[] = [weights, pool, decode, prompts, client];

export function likelyWrong(points: readonly ValidatedPoint[], tolerancePercent: number): Assumption[] {
  const ratio = (metric: Validated): number | null => {
    const all = ratios(points, metric).map((one) => one.ratio);
    return all.length === 0 ? null : median(all);
  };
  return RULES.flatMap((rule) => rule({ points, tolerancePercent, ratio }) ?? []);
}
