/** Two plans: how many times the second's numbers are the first's. */
import type { Deployment, PlanRun } from '../../../core/run/plan.ts';
import type { FigurePoint, FigureSeries, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { choiceWords, planProvenance } from './subject.ts';

const DEFINITION =
  'Ratio: the number of plan B over that of plan A. Cost: dollars of an hour, and of a million output tokens. TTFT and TPOT: means, waiting included. Output: tokens a second of the whole deployment. KV tokens: of a replica. Energy: of an output token.';

interface Compared {
  readonly label: string;
  readonly unit: string;
  readonly better: 'less' | 'more';
  readonly of: (deployment: Deployment) => number | null;
}

/** In the order in which they stand. */
const COMPARED: readonly Compared[] = [
  { label: 'Cost of an hour', unit: '$/h', better: 'less', of: ({ cost }) => cost?.perHour ?? null },
  {
    label: 'Cost of a token',
    unit: '$',
    better: 'less',
    of: ({ cost }) => cost?.perMillionOutputTokens ?? null,
  },
  { label: 'TTFT', unit: 'ms', better: 'less', of: ({ speed }) => speed?.ttftMs ?? null },
  { label: 'TPOT', unit: 'ms', better: 'less', of: ({ speed }) => speed?.tpotMs ?? null },
  {
    label: 'Output',
    unit: 'tokens/s',
    better: 'more',
    of: ({ speed }) => speed?.outputTokensPerSecond ?? null,
  },
  { label: 'KV tokens', unit: 'tokens', better: 'more', of: ({ memory }) => memory.kvTokens },
  { label: 'Energy', unit: 'J', better: 'less', of: ({ energy }) => energy?.joulesPerOutputToken ?? null },
];

type Verdict = 'a' | 'b' | 'same';

interface Ratio {
  readonly compared: Compared;
  readonly ratio: number;
  readonly verdict: Verdict;
  readonly point: FigurePoint;
}

function verdictOf(ratio: number, better: Compared['better']): Verdict {
  if (ratio === 1) return 'same';
  return ratio < 1 === (better === 'less') ? 'b' : 'a';
}

function ratioOf(compared: Compared, first: Deployment, second: Deployment): Ratio[] {
  const [a, b] = [compared.of(first), compared.of(second)];
  if (a === null || b === null || a <= 0 || b <= 0) return [];
  const detail = `A ${formatValue(a, compared.unit)}, B ${formatValue(b, compared.unit)}.`;
  const ratio = b / a;
  const point = { x: compared.label, y: ratio, detail };
  return [{ compared, ratio, verdict: verdictOf(ratio, compared.better), point }];
}

const VERDICTS: readonly { readonly id: Verdict; readonly label: string; readonly colour: number }[] = [
  { id: 'b', label: 'B is better', colour: 1 },
  { id: 'a', label: 'A is better', colour: 0 },
  { id: 'same', label: 'Equal', colour: 2 },
];

/** Null where one of the plans has no deployment. */
export function planComparison(a: PlanRun, b: PlanRun): FigureSpec | null {
  const [first, second] = [a.deployment, b.deployment];
  if (first === null || second === null) return null;
  const ratios = COMPARED.flatMap((compared) => ratioOf(compared, first, second));
  if (ratios.length === 0) return null;
  const series = VERDICTS.map(({ id, label, colour }): FigureSeries => ({
    id,
    label,
    colour,
    points: ratios.flatMap(({ verdict, point }) => (verdict === id ? [point] : [])),
  }));
  return {
    id: 'plan_comparison',
    mark: 'scatter',
    title: 'Plan B over plan A',
    x: { label: '', unit: '', scale: 'category', categories: ratios.map(({ compared }) => compared.label) },
    y: { label: 'B over A', unit: 'ratio', scale: 'log' },
    series: series.filter(({ points }) => points.length > 0),
    references: [{ y: 1, label: 'equal' }],
    definition: DEFINITION,
    finding: findingOf(ratios),
    notes: [`A: ${choiceWords(first.choice)}.`, `B: ${choiceWords(second.choice)}.`],
    ...planProvenance(b, null),
    subtitle:
      a.scenario.model === b.scenario.model
        ? a.scenario.model
        : `${a.scenario.model} and ${b.scenario.model}`,
  };
}

function findingOf(ratios: readonly Ratio[]): string {
  const [widest] = ratios.toSorted((x, y) => Math.abs(Math.log(y.ratio)) - Math.abs(Math.log(x.ratio)));
  if (!widest || widest.ratio === 1) return 'Both plans come to the same numbers.';
  const more =
    widest.ratio > 1 ? `B has ${formatNumber(widest.ratio)}` : `A has ${formatNumber(1 / widest.ratio)}`;
  const count = (verdict: Verdict): number => ratios.filter((ratio) => ratio.verdict === verdict).length;
  return `B is better in ${count('b')} and A in ${count('a')} of ${ratios.length}; they differ most in ${widest.compared.label}, where ${more} times as much.`;
}
