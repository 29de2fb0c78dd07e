/**
 * Why this one: five sentences with its runner-up, what is tight, and what would change the decision. Each number in them
 * is one that the search computed; a change of the decision is looked for by sizing the best candidates again, not guessed.
 */
import { bestOf, meritsOf, scoreOf } from './goal.ts';
import type { LoadContext } from './context.ts';
import { sizeOf, type Sized } from './size.ts';
import type { PlanSubject } from './types.ts';

/** A candidate in the order of the goal. */
export interface Ranked {
  readonly sized: Sized;
  readonly score: number;
  readonly pareto: boolean;
}

export interface SearchCounts {
  readonly candidates: number;
  readonly infeasible: number;
}

const dollars = (value: number): string => `$${value < 1 ? value.toFixed(3) : value.toFixed(2)}`;
const ms = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
/** Three digits, never as a power of ten. */
const short = (value: number): string => String(Number(value.toPrecision(3)));

const replicas = (n: number): string => (n === 1 ? '1 replica' : `${n} replicas`);

/** `4 × H100 SXM5 80GB (fp8 weights, bf16 KV, tensor parallel 2)` */
export function nameOf({ candidate: { choice } }: Sized): string {
  const ranks = choice.tensorParallel > 1 ? `, tensor parallel ${choice.tensorParallel}` : '';
  const stages = choice.pipelineParallel > 1 ? `, ${choice.pipelineParallel} stages` : '';
  const experts = choice.expertParallel ? ', expert parallel' : '';
  const apart = choice.disaggregated;
  const phases =
    apart === null
      ? ''
      : `, ${replicas(apart.prefillReplicas)} for prefill and ${apart.decodeReplicas} for decode`;
  return `${choice.gpus} × ${choice.gpuName} (${choice.weights} weights, ${choice.kvFormat} KV${ranks}${experts}${stages}${phases})`;
}

type Axis = 'cost' | 'latency' | 'throughput' | 'quality' | 'energy';

const AXIS_WORDS: Record<
  Axis,
  {
    readonly words: string;
    readonly of: (sized: Sized) => number | null;
    readonly show: (n: number) => string;
  }
> = {
  cost: { words: 'a million output tokens', of: (sized) => sized.costPerMillionOutput, show: dollars },
  latency: { words: 'a whole answer', of: (sized) => sized.served.e2eMs, show: (n) => `${ms(n)} ms` },
  throughput: {
    words: 'the most that one GPU carries',
    of: (sized) => sized.maxRequestsPerSecond / sized.gpus,
    show: (n) => `${short(n)} requests/s`,
  },
  quality: { words: 'quality lost', of: (sized) => sized.quality.lossPercent, show: (n) => `${n} %` },
  energy: {
    words: 'an output token',
    of: (sized) => sized.joulesPerOutputToken,
    show: (n) => `${short(n)} J`,
  },
};
const AXES = ['cost', 'latency', 'throughput', 'quality', 'energy'] as const;

function shown(sized: Sized, axis: Axis): string | null {
  const { words, of, show } = AXIS_WORDS[axis];
  const value = of(sized);
  return value === null ? null : `${show(value)} (${words})`;
}

function what({ scenario, model }: PlanSubject, sized: Sized, counts: SearchCounts): string {
  const { served, requestsPerSecond, costPerHour } = sized;
  const price = costPerHour === null ? 'nobody publishes its price' : `${dollars(costPerHour)} an hour`;
  return (
    `${nameOf(sized)} is the best of ${counts.candidates} ways to serve ${model.name} for the goal “${scenario.goal.kind}”: ` +
    `${short(requestsPerSecond)} requests/s, TTFT ${ms(served.ttftMs)} ms, TPOT ${ms(served.tpotMs)} ms, ${price}.`
  );
}

/** What tells it from the runner-up, on the axes of the goal. */
function against({ scenario }: PlanSubject, first: Sized, second: Sized): string {
  const axes: readonly Axis[] =
    scenario.goal.kind === 'balanced'
      ? AXES.filter((axis) => scenario.goal.weights[axis] > 0)
      : [scenario.goal.kind, ...AXES.filter((axis) => axis !== scenario.goal.kind)];
  const differs = axes.filter((axis) => {
    const [a, b] = [AXIS_WORDS[axis].of(first), AXIS_WORDS[axis].of(second)];
    return a !== null && b !== null && Math.abs(a - b) > 0.002 * Math.max(Math.abs(a), Math.abs(b));
  });
  const better = (axis: Axis): boolean => {
    const [a, b] = [AXIS_WORDS[axis].of(first) ?? 0, AXIS_WORDS[axis].of(second) ?? 0];
    return axis === 'throughput' ? a > b : a < b;
  };
  const words = (axis: Axis): string =>
    `${shown(first, axis) ?? '–'} against ${AXIS_WORDS[axis].show(AXIS_WORDS[axis].of(second) ?? 0)}`;
  const wins = differs.filter(better).slice(0, 2).map(words);
  const loses = differs
    .filter((axis) => !better(axis))
    .slice(0, 1)
    .map(words);
  const ahead =
    wins.length > 0 ? `the choice is ahead with ${wins.join(' and ')}` : 'the two are as good as equal';
  const behind = loses.length > 0 ? `, though behind with ${loses.join('')}` : '';
  return `The runner-up is ${nameOf(second)}; ${ahead}${behind}.`;
}

/** The best of another kind than the choice: a step of another size is no other decision. */
function runnerUp(ranked: readonly Ranked[]): Ranked | undefined {
  const [first] = ranked;
  return first && ranked.find(({ sized }) => !sameKind(sized, first.sized));
}

/** The best on another GPU, where the runner-up is on the same one. */
function otherGpu(ranked: readonly Ranked[], second: Ranked): string {
  const own = ranked[0]?.sized.candidate.choice.gpu;
  const other = ranked.find(({ sized }) => sized.candidate.choice.gpu !== own);
  if (!other || other === second) return '';
  return ` The best on another GPU is ${nameOf(other.sized)}.`;
}

/** What is tight: the nearest limit, the room for more requests, what decoding waits for. */
function tight({ scenario }: PlanSubject, sized: Sized): string {
  const { served, server, utilization } = sized;
  const { ttftMs, tpotMs, e2eMs, costPerHour, percentile } = scenario.constraints;
  const p = `p${Math.round(percentile * 1000) / 10}`;
  const limits: [string, number, number | null][] = [
    [`TTFT ${p}`, served.ttftTailMs, ttftMs],
    [`TPOT ${p}`, served.tpotTailMs, tpotMs],
    ['a whole answer', served.e2eMs, e2eMs],
    ['the budget', sized.costPerHour ?? 0, costPerHour],
  ];
  const used = limits
    .flatMap(([name, value, limit]) => (limit === null ? [] : [{ name, share: value / limit }]))
    .sort((a, b) => b.share - a.share);
  const nearest = used[0]
    ? `The tightest limit is ${used[0].name}, ${Math.round(used[0].share * 100)} % of it used`
    : 'No limit was set';
  const full = Math.round((100 * served.batch) / server.most);
  return (
    `${nearest}; the GPUs are used to ${Math.round(utilization * 100)} % of what they could carry, with ` +
    `${served.batch.toFixed(0)} requests in flight on a replica, ${full} % of the places that its memory and its steps have.`
  );
}

/** Rates that are tried: a tenth to ten times. */
const RATES = [0.5, 2, 0.25, 4, 0.1, 10];
/** Candidates that may take over. */
const RIVALS = 12;

/** The best of each GPU and of the rest, few enough to be sized again. */
function rivalsOf(ranked: readonly Ranked[]): readonly Ranked[] {
  const seen = new Set<string>();
  const firsts = ranked.filter(({ sized }) => {
    const { gpu } = sized.candidate.choice;
    const first = !seen.has(gpu);
    seen.add(gpu);
    return first;
  });
  return [...new Set([...ranked.slice(0, RIVALS / 2), ...firsts.slice(0, RIVALS)])];
}

/** Which one would be the best at another rate. */
function bestAt(
  subject: PlanSubject,
  context: LoadContext,
  rivals: readonly Ranked[],
  rate: number,
): Sized | null {
  const sized = rivals.flatMap(({ sized: { candidate } }) => {
    const { choice, gpu } = candidate;
    const one = {
      gpu,
      choice: { ...choice, gpus: choice.tensorParallel * choice.pipelineParallel, replicas: 1 },
    };
    const result = sizeOf(one, subject, { ...context, rate });
    return result.ok ? [result.sized] : [];
  });
  const merits = sized.map(meritsOf);
  const best = bestOf(merits);
  const scores = merits.map((own) => scoreOf(subject.scenario.goal, own, best));
  return sized[scores.indexOf(Math.min(...scores))] ?? null;
}

function sameKind(a: Sized, b: Sized): boolean {
  const [x, y] = [a.candidate.choice, b.candidate.choice];
  return (
    x.gpu === y.gpu &&
    x.weights === y.weights &&
    x.kvFormat === y.kvFormat &&
    x.tensorParallel === y.tensorParallel
  );
}

function changes(subject: PlanSubject, context: LoadContext, ranked: readonly Ranked[]): string {
  const [first] = ranked;
  if (!first) return '';
  const second = runnerUp(ranked);
  const found: string[] = [];
  const price = priceChange(subject, first.sized, ranked);
  if (price !== null) found.push(price);
  const { rate } = context;
  if (rate !== null) {
    const rivals = rivalsOf(ranked);
    for (const factor of RATES) {
      const other = bestAt(subject, context, rivals, rate * factor);
      if (other === null || sameKind(other, first.sized)) continue;
      found.push(`at ${short(rate * factor)} requests/s it would be ${nameOf(other)}`);
      break;
    }
    if (found.length === (price === null ? 0 : 1)) {
      found.push(
        `between ${short(rate * 0.1)} and ${short(rate * 10)} requests/s the choice of GPU and formats stays`,
      );
    }
  }
  if (found.length === 0 && second)
    found.push(
      `only another goal or other limits; for the runner-up its score would have to fall by ${(second.score - first.score).toPrecision(2)} doublings`,
    );
  return found.length === 0 ? '' : `What would change the decision: ${found.join('; ')}.`;
}

/** The price at which the best of another GPU would be as cheap. */
function priceChange({ scenario }: PlanSubject, first: Sized, ranked: readonly Ranked[]): string | null {
  if (scenario.goal.kind !== 'cost' && scenario.goal.kind !== 'balanced') return null;
  const { price, costPerMillionOutput } = first;
  const rival = ranked.find(
    ({ sized }) =>
      sized.candidate.choice.gpu !== first.candidate.choice.gpu && sized.costPerMillionOutput !== null,
  )?.sized;
  if (price === null || costPerMillionOutput === null || !rival || rival.price === null) return null;
  const cost = rival.costPerMillionOutput ?? 0;
  if (cost <= costPerMillionOutput) return null;
  const dearer = (price.perGpuHour * cost) / costPerMillionOutput;
  return `${first.candidate.choice.gpuName} above ${dollars(dearer)} a GPU and hour (${dollars(price.perGpuHour)} now) would be no cheaper than ${rival.candidate.choice.gpuName}`;
}

function dropped({ candidates, infeasible }: SearchCounts, ranked: readonly Ranked[]): string {
  const front = ranked.filter(({ pareto }) => pareto).length;
  return `${infeasible} of the ${candidates} do not fit or break a limit; ${front} of the rest are beaten by none in cost, latency, throughput and quality together.`;
}

/**
 * @param ranked best first, the choice at its head
 * @param shown the choice as the answer has it: simulated, perhaps with more replicas
 */
export function explain(
  subject: PlanSubject,
  context: LoadContext,
  ranked: readonly Ranked[],
  counts: SearchCounts,
  shown?: Sized,
): string[] {
  const [first] = ranked;
  if (!first) return [];
  const chosen = shown ?? first.sized;
  // Closed forms are set beside closed forms, as long as they are of the same GPUs.
  const compared = chosen.gpus === first.sized.gpus ? first.sized : chosen;
  const second = runnerUp(ranked);
  return [
    what(subject, chosen, counts),
    second
      ? `${against(subject, compared, second.sized)}${otherGpu(ranked, second)}`
      : 'There is no runner-up: nothing else serves this load.',
    tight(subject, chosen),
    changes(subject, context, ranked),
    dropped(counts, ranked),
  ].filter((sentence) => sentence !== '');
}

/** Of a deployment that was given: what it is, and what is tight. */
export function explainGiven(subject: PlanSubject, sized: Sized): string[] {
  const { served, requestsPerSecond, costPerHour } = sized;
  const price = costPerHour === null ? '' : `, ${dollars(costPerHour)} an hour`;
  return [
    `${nameOf(sized)} serves ${subject.model.name} with ${short(requestsPerSecond)} requests/s, TTFT ${ms(served.ttftMs)} ms and TPOT ${ms(served.tpotMs)} ms${price}.`,
    tight(subject, sized),
  ];
}
