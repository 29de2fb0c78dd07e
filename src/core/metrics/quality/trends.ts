/**
 * Trends that the literature reports, tested on this model: pair by pair over the same texts or questions, with a bootstrap
 * interval of the mean difference. A trend is met where the interval lies on the expected side of zero, not met where it
 * lies on the other, and open in between; where the run lacks the cells it was not measured.
 */
import { createRandom, type Random } from '../../random.ts';
import type { QualityPoint, QualityRun } from '../../run/quality.ts';
import { bootstrapInterval, type Interval } from '../intervals.ts';
import { mean } from '../percentiles.ts';

export type TrendVerdict = 'met' | 'not met' | 'open' | 'not measured';

export interface Trend {
  readonly id: string;
  /** What is expected, in one sentence. */
  readonly title: string;
  readonly source: string;
  readonly verdict: TrendVerdict;
  /** Mean difference, positive where the expectation holds; null where it was not measured. */
  readonly difference: number | null;
  readonly interval: Interval | null;
  /** Pairs behind it. */
  readonly samples: number;
  readonly unit: string;
  /** What was compared, in words. */
  readonly compared: string;
}

interface Difference {
  readonly values: readonly number[];
  readonly compared: string;
  readonly unit: string;
}

interface TrendTest {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  /** One value a pair, positive where the expectation holds; null: the run lacks the cells. */
  readonly differences: (run: QualityRun) => Difference | null;
  /** Says what else must hold for `met`; the values of a second comparison, which must not be above zero. */
  readonly unless?: (run: QualityRun) => Difference | null;
}

type CellOf = QualityPoint['cell'];

function find(run: QualityRun, fits: (cell: CellOf) => boolean): QualityPoint | undefined {
  return run.points.find(({ cell, status }) => status === 'done' && fits(cell));
}

/** The least of the planted gains; null where no outlier is planted. */
function leastGain(run: QualityRun): number | null {
  const gains = run.points.flatMap(({ cell }) => cell.variant?.outlierGain ?? []).filter((gain) => gain > 1);
  return gains.length === 0 ? null : Math.min(...gains);
}

const klOf = ({ text }: QualityPoint): number[] => text.map(({ kl }) => mean(kl));
const nllOf = ({ text }: QualityPoint): number[] => text.map(({ nll }) => mean(nll));
const rightOf = ({ recall }: QualityPoint): number[] => recall.flatMap(({ right }) => right);

/** more[i] − less[i] */
function minus(more: readonly number[], less: readonly number[]): number[] {
  return more.slice(0, less.length).map((value, i) => value - (less[i] ?? 0));
}

interface Keys {
  readonly axis: 'token' | 'channel';
  readonly rotated: boolean;
  readonly planted: boolean;
}

function keys(run: QualityRun, { axis, rotated, planted }: Keys): QualityPoint | undefined {
  const gain = planted ? leastGain(run) : 1;
  return find(
    run,
    ({ variant }) =>
      variant?.bits === 2 &&
      variant.axis === axis &&
      variant.rotated === rotated &&
      variant.outlierGain === gain,
  );
}

function fewerNats(
  worse: QualityPoint | undefined,
  better: QualityPoint | undefined,
  compared: string,
): Difference | null {
  if (!worse || !better || worse.text.length === 0) return null;
  return { values: minus(klOf(worse), klOf(better)), compared, unit: 'nats' };
}

/** What rotation gains on per-token keys, text by text. */
function rotationGain(run: QualityRun, planted: boolean): Difference | null {
  const outlier = planted
    ? `with an outlier planted, × ${leastGain(run) ?? ''}`
    : 'without a planted outlier';
  return fewerNats(
    keys(run, { axis: 'token', rotated: false, planted }),
    keys(run, { axis: 'token', rotated: true, planted }),
    `KL of 2-bit keys per token, as they are less rotated, ${outlier}`,
  );
}

function byBits(run: QualityRun, more: string, fewer: string): Difference | null {
  const format = (name: string) =>
    find(
      run,
      ({ kFormat, vFormat, policy, variant }) =>
        kFormat === name && vFormat === name && policy === 'none' && variant === null,
    );
  return fewerNats(format(fewer), format(more), `KL of ${fewer} less that of ${more}`);
}

/** Policies that drop tokens before they know the question. */
const EVICTING = ['h2o', 'tova', 'streaming-llm'] as const;

/** Quest's answers less the mean of those of evicting policies at its smallest budget, question by question. */
function selection(run: QualityRun): Difference | null {
  const budgets = run.points.flatMap(({ cell }) => (cell.policy === 'quest' ? [cell.budget ?? 0] : []));
  const budget = Math.min(...budgets);
  const quest = find(run, (cell) => cell.policy === 'quest' && cell.budget === budget);
  const others = EVICTING.flatMap(
    (policy) => find(run, (cell) => cell.policy === policy && cell.budget === budget) ?? [],
  );
  if (!quest || others.length === 0 || rightOf(quest).length === 0) return null;
  const rights = others.map(rightOf);
  const values = rightOf(quest).map((right, i) => right - mean(rights.map((other) => other[i] ?? 0)));
  const names = others.map(({ cell }) => cell.policy).join(', ');
  return {
    values,
    compared: `recall of Quest less the mean of ${names}, at a budget of ${budget}`,
    unit: 'share',
  };
}

/** Answers at the greatest budget less those at the smallest, question by question, the mean of all that evict. */
function budgets(run: QualityRun): Difference | null {
  const evicting = run.points.filter(({ cell, status }) => status === 'done' && isEvicting(cell));
  const sizes = evicting.map(({ cell }) => cell.budget ?? 0);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (evicting.length === 0 || least === most) return null;
  const meanAt = (budget: number): number[] => {
    const rights = evicting.filter(({ cell }) => cell.budget === budget).map(rightOf);
    return (rights[0] ?? []).map((_, i) => mean(rights.map((right) => right[i] ?? 0)));
  };
  const compared = `recall at a budget of ${most} less that at ${least}, the mean of all policies that evict`;
  return { values: minus(meanAt(most), meanAt(least)), compared, unit: 'share' };
}

function isEvicting({ policy, kFormat, vFormat }: CellOf): boolean {
  return policy !== 'none' && policy !== 'quest' && kFormat === 'f32' && vFormat === 'f32';
}

/** SnapKV's answers less the mean of those that do not look at the newest queries; the question must be among these. */
function snapKv(run: QualityRun): Difference | null {
  if (run.scenario.tasks.recall.question !== 'inside') return null;
  const snap = find(run, ({ policy }) => policy === 'snapkv');
  const others = (['streaming-llm', 'h2o'] as const).flatMap(
    (policy) => find(run, (cell) => cell.policy === policy && cell.budget === snap?.cell.budget) ?? [],
  );
  if (!snap || others.length === 0) return null;
  const rights = others.map(rightOf);
  const values = rightOf(snap).map((right, i) => right - mean(rights.map((other) => other[i] ?? 0)));
  const names = others.map(({ cell }) => cell.policy).join(', ');
  return {
    values,
    compared: `recall of SnapKV less the mean of ${names}, the question inside the prompt, at a budget of ${snap.cell.budget}`,
    unit: 'share',
  };
}

function sinks(run: QualityRun): Difference | null {
  const longest = run.scenario.tasks.text.promptTokens;
  const cell = (policy: CellOf['policy']) =>
    run.points
      .filter((point) => point.cell.policy === policy && (point.cell.budget ?? longest) < longest)
      .sort((a, b) => (a.cell.budget ?? 0) - (b.cell.budget ?? 0))[0];
  const [window, streaming] = [cell('window'), cell('streaming-llm')];
  if (!window || !streaming || window.cell.budget !== streaming.cell.budget) return null;
  if (window.text.length === 0 || streaming.text.length === 0) return null;
  return {
    values: minus(nllOf(window), nllOf(streaming)),
    compared: `−log p with a plain window less that with 4 sinks and a window, ${window.cell.budget} tokens in all`,
    unit: 'nats',
  };
}

export const TREND_TESTS: readonly TrendTest[] = [
  {
    id: 'channel-keys',
    title: 'Keys of 2 bits lose less per channel than per token where a channel has an outlier.',
    source: 'KIVI, arXiv:2402.02750',
    differences: (run) =>
      fewerNats(
        keys(run, { axis: 'token', rotated: false, planted: true }),
        keys(run, { axis: 'channel', rotated: false, planted: true }),
        `KL of 2-bit keys per token less that per channel, with an outlier planted, × ${leastGain(run) ?? ''}`,
      ),
  },
  {
    id: 'rotation-outlier',
    title: 'A Hadamard rotation helps keys of 2 bits where a channel has an outlier.',
    source: 'TurboQuant, arXiv:2504.19874',
    differences: (run) => rotationGain(run, true),
  },
  {
    id: 'rotation-only',
    title:
      'Rotation helps only then: without an outlier it gains less, and nothing that can be told from zero.',
    source: 'TurboQuant, arXiv:2504.19874',
    differences: (run) => {
      const [planted, plain] = [rotationGain(run, true), rotationGain(run, false)];
      if (!planted || !plain) return null;
      const compared = 'what rotation gains with a planted outlier less what it gains without';
      return { values: minus(planted.values, plain.values), compared, unit: 'nats' };
    },
    unless: (run) => rotationGain(run, false),
  },
  {
    id: 'bits-4-8',
    title: 'Eight bits lose less than four.',
    source: 'KIVI, arXiv:2402.02750; llama.cpp PR 7412',
    differences: (run) => byBits(run, 'int8', 'int4'),
  },
  {
    id: 'bits-2-4',
    title: 'Four bits lose less than two.',
    source: 'KIVI, arXiv:2402.02750',
    differences: (run) => byBits(run, 'int4', 'int2'),
  },
  {
    id: 'sinks',
    title: 'A window with sinks predicts text better than a window alone.',
    source: 'StreamingLLM, arXiv:2309.17453',
    differences: sinks,
  },
  {
    id: 'selection',
    title: 'Selecting what is read (Quest) recalls more than evicting, at equal budgets.',
    source: 'Quest, arXiv:2406.10774',
    differences: selection,
  },
  {
    id: 'budget',
    title: 'The smaller the budget of an evicting policy, the less it recalls.',
    source: 'SnapKV, arXiv:2404.14469; PyramidKV, arXiv:2406.02069',
    differences: budgets,
  },
  {
    id: 'snapkv',
    title:
      'Choosing by the newest queries (SnapKV) recalls more where the question is already in the prompt.',
    source: 'SnapKV, arXiv:2404.14469',
    differences: snapKv,
  },
];

const MISSING = {
  verdict: 'not measured',
  difference: null,
  interval: null,
  samples: 0,
  unit: '',
  compared: '',
} as const;

/** Differences of exactly zero everywhere are no trend, though their interval is a point. */
function judged({ values }: Difference, random: Random): Pick<Trend, 'verdict' | 'difference' | 'interval'> {
  const interval = bootstrapInterval(values, mean, random);
  const difference = mean(values);
  if (interval === null) return { verdict: 'open', difference, interval };
  const verdict = interval.low > 0 ? 'met' : interval.high < 0 ? 'not met' : 'open';
  return { verdict, difference, interval };
}

function testOf(test: TrendTest, run: QualityRun, random: Random): Trend {
  const { id, title, source } = test;
  const found = test.differences(run);
  if (found === null || found.values.length === 0) return { id, title, source, ...MISSING };
  const answer = judged(found, random);
  const spoiling = test.unless?.(run) ?? null;
  const spoiled = spoiling !== null && judged(spoiling, random.fork('unless')).verdict === 'met';
  return {
    ...{ id, title, source },
    ...answer,
    ...(spoiled && { verdict: 'not met' as const }),
    samples: found.values.length,
    unit: found.unit,
    compared: spoiled ? `${found.compared}; but it gains without one, too` : found.compared,
  };
}

/** Every trend, whether or not the run can say something of it. */
export function qualityTrends(run: QualityRun): Trend[] {
  const random = createRandom(run.scenario.seed).fork('trends');
  return TREND_TESTS.map((test) => testOf(test, run, random.fork(test.id)));
}
