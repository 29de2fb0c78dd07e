/** A plan in words and in the few numbers that stand first; the sentences of the choice come with the run. */
import { formatInterval, formatNumber, formatValue } from '../charts/format.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import type { Deployment, PlanChoice, PlanMemory, PlanRow, PlanRun } from '../core/run/plan.ts';
import type { Origin } from '../core/run/schema.ts';

/** `$4,210`, `$5.98`, `$0.0042`: cents where there are dollars, three digits below. */
export function money(dollars: number): string {
  if (dollars >= 1000) return `$${Math.round(dollars).toLocaleString('en')}`;
  if (dollars >= 1) return `$${dollars.toFixed(2)}`;
  return `$${dollars.toLocaleString('en', { maximumSignificantDigits: 3, maximumFractionDigits: 10 })}`;
}

export function gpusOf({ gpus, gpuName }: Pick<PlanChoice, 'gpus' | 'gpuName'>): string {
  return `${formatNumber(gpus)} × ${gpuName}`;
}

/** What it comes to, in one line. */
export function headline(run: PlanRun): string {
  const { deployment } = run;
  if (deployment === null) return 'No plan';
  const { choice, cost, memory } = deployment;
  if (!run.feasible) return memory.fits ? 'Not with these limits' : 'It does not fit';
  return cost === null ? gpusOf(choice) : `${gpusOf(choice)}, ${money(cost.perHour)} an hour`;
}

/** What a plan is called that nobody gave a name: "Llama-3.1-8B on 2 × H100 SXM". */
export function planName({ deployment, scenario }: PlanRun): string {
  return deployment === null ? scenario.model : `${deployment.choice.model} on ${gpusOf(deployment.choice)}`;
}

/** How the GPUs are used. */
export function shapeOf(choice: PlanChoice): string {
  const { replicas, tensorParallel, pipelineParallel, expertParallel, disaggregated } = choice;
  const split = [
    ...(tensorParallel > 1 ? [`tensor parallel ${tensorParallel}`] : []),
    ...(pipelineParallel > 1 ? [`pipeline of ${pipelineParallel}`] : []),
    ...(expertParallel ? ['experts whole'] : []),
  ];
  const apart =
    disaggregated === null
      ? `${formatNumber(replicas)} ${replicas === 1 ? 'replica' : 'replicas'}`
      : `${formatNumber(disaggregated.prefillReplicas)} for prefill, ${formatNumber(disaggregated.decodeReplicas)} for decode`;
  return [apart, ...split, `${choice.weights} weights`, `${choice.kvFormat} KV`].join(' · ');
}

export interface KeyNumber {
  readonly label: string;
  readonly value: string;
  /** Interval, tail, or what it amounts to. */
  readonly beside: string;
  readonly help: string;
  readonly origin: string;
}

const ABSENT = 'none';

/** The six numbers of an answer, in the order in which people ask for them. */
export function keyNumbers(deployment: Deployment, percentile: number): KeyNumber[] {
  return [...speedNumbers(deployment, percentile), costNumber(deployment), ...keptNumbers(deployment)];
}

function speedNumbers({ speed }: Deployment, percentile: number): KeyNumber[] {
  const tail = `p${formatNumber(100 * percentile)}`;
  const about = speed?.about ?? '';
  const number = (label: string, help: string, value: string, beside: string): KeyNumber => ({
    label,
    help,
    value: speed === null ? ABSENT : value,
    beside: speed === null ? '' : beside,
    origin: speed === null ? '' : `${capital(speed.origin)}: ${about}`,
  });
  const [ttft, tpot] = [speed?.ttftMs ?? 0, speed?.tpotMs ?? 0];
  return [
    number(
      'First token',
      'Mean time from a request’s arrival to its first token, queueing included where a rate is given.',
      formatValue(ttft, 'ms'),
      `${tail} ${formatValue(speed?.ttftTailMs ?? 0, 'ms')}`,
    ),
    number(
      'Per token',
      'Mean time between output tokens of one request; the range is the 80 % band from errors on measured points.',
      formatValue(tpot, 'ms'),
      formatInterval(...(speed?.interval.tpotMs ?? [0, 0]), 'ms'),
    ),
    number(
      'Output',
      'Output tokens a second of the whole deployment, at the load.',
      `${formatNumber(speed?.outputTokensPerSecond ?? 0)} tok/s`,
      `${formatNumber(speed?.requestsPerSecond ?? 0)} of at most ${formatNumber(speed?.maxRequestsPerSecond ?? 0)} req/s`,
    ),
  ];
}

/** The numbers of an answer in one short line, for a screen that has room for no more. */
export function numbersInShort({ speed, cost, memory }: Deployment): string {
  if (speed === null) return memory.verdict;
  const times = `first token ${formatValue(speed.ttftMs, 'ms')} · per token ${formatValue(speed.tpotMs, 'ms')}`;
  return cost === null ? times : `${times} · ${money(cost.perMillionOutputTokens)}/M`;
}

function costNumber({ cost }: Deployment): KeyNumber {
  return {
    label: 'Cost',
    value: cost === null ? ABSENT : `${money(cost.perMillionOutputTokens)}/M`,
    beside: cost === null ? 'no price is published' : `output; input ${money(cost.perMillionInputTokens)}/M`,
    help: 'Dollars for a million output tokens at the load: idle time is paid for.',
    origin: cost?.priceSource ?? '',
  };
}

function keptNumbers({ memory, quality }: Deployment): KeyNumber[] {
  const { lossPercent, origin, source } = quality;
  return [
    {
      label: 'KV cache',
      value: memory.kvTokens > 0 ? `${formatNumber(memory.kvTokens)} tokens` : ABSENT,
      beside: `${formatNumber(Math.floor(memory.sequencesAtMean))} sequences of mean length`,
      help: 'Tokens of K and V that one replica’s pool holds beside the weights.',
      origin: memory.verdict,
    },
    {
      label: 'Quality',
      value:
        lossPercent === null
          ? 'not measured'
          : lossPercent === 0
            ? 'as bf16'
            : `−${formatNumber(lossPercent)} %`,
      beside: lossPercent === null ? 'for these formats' : origin,
      help: 'What the formats of weights and KV cost, in percent of perplexity against bf16.',
      origin: source,
    },
  ];
}

function capital(text: Origin): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export interface MemoryPart {
  readonly id: string;
  readonly label: string;
  readonly bytes: number;
  /** Of the GPU's memory, or of what is needed where that is more. */
  readonly share: number;
}

export interface MemoryBar {
  readonly parts: readonly MemoryPart[];
  readonly totalBytes: number;
  /** Bytes that are missing; 0 where it fits. */
  readonly missingBytes: number;
  /** Where the GPU's memory ends, as a share of the bar. */
  readonly edge: number;
}

/** The waterfall as one bar: weights together, what else is taken, the KV cache, what is left free. */
export function memoryBar({ steps }: PlanMemory): MemoryBar | null {
  const totalBytes = steps.find(({ id }) => id === 'total')?.bytes ?? 0;
  if (totalBytes <= 0) return null;
  const kvBytes = steps.find(({ id }) => id === 'kv')?.bytes ?? 0;
  const taken = steps.filter(({ id }) => id !== 'total' && id !== 'kv' && id !== 'free');
  const weights = taken.filter(({ id }) => id.startsWith('weights'));
  const others = taken.filter(({ id }) => !id.startsWith('weights'));
  const sum = (some: readonly { bytes: number }[]): number =>
    some.reduce((all, { bytes }) => all + Math.abs(bytes), 0);
  const parts = [
    { id: 'weights', label: 'Weights', bytes: sum(weights) },
    ...others.map(({ id, label, bytes }) => ({ id, label, bytes: Math.abs(bytes) })),
    { id: 'kv', label: 'KV cache', bytes: Math.max(0, kvBytes) },
    ...steps
      .filter(({ id }) => id === 'free')
      .map(({ id, label, bytes }) => ({ id, label, bytes: Math.abs(bytes) })),
  ].filter(({ bytes }) => bytes > 0);
  const whole = Math.max(totalBytes, sum(parts));
  return {
    parts: parts.map((part) => ({ ...part, share: part.bytes / whole })),
    totalBytes,
    missingBytes: Math.max(0, -kvBytes),
    edge: totalBytes / whole,
  };
}

/** A distribution of lengths in a few words. */
export function lengthWords(lengths: Json | undefined): string {
  if (!isJsonObject(lengths)) return '';
  const { kind, tokens, min, max, mu } = lengths;
  const n = (value: Json | undefined): string => (typeof value === 'number' ? formatNumber(value) : '?');
  switch (kind) {
    case 'fixed':
      return `${n(tokens)} tokens`;
    case 'uniform':
    case 'zipf':
      return `${String(kind)}, ${n(min)} to ${n(max)} tokens`;
    case 'lognormal':
      return `lognormal, median ${typeof mu === 'number' ? formatNumber(Math.round(Math.exp(mu))) : '?'}, at most ${n(max)} tokens`;
    default:
      return `${String(kind)} lengths`;
  }
}

/** The settings of a row that tell it from its neighbours. */
export function rowSettings(choice: PlanChoice): string {
  const {
    replicas,
    tensorParallel,
    pipelineParallel,
    weights,
    kvFormat,
    maxSequences,
    offloadGB,
    tokenBudget,
    prefixCaching,
  } = choice;
  return [
    `${formatNumber(replicas)} × TP ${tensorParallel}${pipelineParallel > 1 ? ` · PP ${pipelineParallel}` : ''}`,
    `${weights}, ${kvFormat} KV`,
    `${formatNumber(maxSequences)} sequences, ${formatNumber(tokenBudget)} tokens a step`,
    ...(prefixCaching ? [] : ['no prefix cache']),
    ...(offloadGB > 0 ? [`${formatNumber(offloadGB)} GB offload`] : []),
  ].join(' · ');
}

/** What tells one row from another. */
export function rowKey({ choice }: PlanRow): string {
  return JSON.stringify(choice);
}
