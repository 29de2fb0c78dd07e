/**
 * The command that would measure a plan: its load, offered to the server that its settings start, with the result saved in
 * a form that comes back through exchange/results.
 *
 * Requests are random tokens of the plan's mean lengths; a trace or a shape of lengths is not reproduced, and says so.
 */
import * as v from 'valibot';
import type { PlanRun } from '../../core/run/plan.ts';
import type { PlanLoad } from '../../core/scenario/plan/schema.ts';
import type { LengthSettings } from '../../core/scenario/simulate/schema.ts';
import { createRandom } from '../../core/random.ts';
import { lengthDraws } from '../../core/workload/lengths.ts';
import rows from './flags/benchmarks.json' with { type: 'json' };
import { accepted, FlagTable, type Argument } from './flags.ts';
import { quoted, shellCommand } from './shell.ts';
import { repositoryNotes, subjectOf, type RenderOptions, type Settings } from './subject.ts';

export const BENCHMARK_TOOLS = ['vllm', 'sglang', 'aiperf'] as const;
export type BenchmarkTool = (typeof BENCHMARK_TOOLS)[number];

export const BENCHMARK_FLAGS: Readonly<Record<BenchmarkTool, FlagTable>> = v.parse(
  v.strictObject({ vllm: FlagTable, sglang: FlagTable, aiperf: FlagTable }),
  rows,
);

/** Enough requests for a p99, and ten times what is in flight, so that filling and draining count little. */
const LEAST_REQUESTS = 200;
const ROUNDS = 10;

interface Load {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly prefixTokens: number;
  readonly rate: number | null;
  readonly concurrency: number | null;
  readonly requests: number;
}

const DRAWS = 2000;

function meanTokens(lengths: LengthSettings): number {
  if (lengths.kind === 'fixed') return lengths.tokens;
  const next = lengthDraws(lengths, createRandom(1).fork('benchmark'));
  const sum = Array.from({ length: DRAWS }, next).reduce((total, tokens) => total + tokens, 0);
  return Math.max(1, Math.round(sum / DRAWS));
}

function loadOf({ scenario, deployment }: PlanRun): Load {
  const { load } = scenario;
  const prompt = meanTokens(load.promptTokens);
  const prefixTokens = Math.min(load.sharedPrefix?.tokens ?? 0, prompt - 1);
  const speed = deployment?.speed;
  const inFlight = Math.max(1, Math.round((speed?.batch ?? 1) * (deployment?.choice.replicas ?? 1)));
  const concurrency = load.rate === null ? (load.concurrency ?? inFlight) : null;
  return {
    promptTokens: prompt,
    outputTokens: meanTokens(load.outputTokens),
    prefixTokens,
    rate: load.rate,
    concurrency,
    requests: Math.max(LEAST_REQUESTS, ROUNDS * (concurrency ?? inFlight)),
  };
}

function vllmArguments(load: Load): Argument[] {
  return [
    ['--dataset-name', 'random'],
    // The prefix counts beside the random part.
    ['--random-input-len', load.promptTokens - load.prefixTokens],
    ['--random-output-len', load.outputTokens],
    ...(load.prefixTokens > 0 ? [['--random-prefix-len', load.prefixTokens] as const] : []),
    ['--num-prompts', load.requests],
    ...(load.rate === null ? [] : [['--request-rate', String(load.rate)] as const]),
    ...(load.concurrency === null ? [] : [['--max-concurrency', load.concurrency] as const]),
    ['--ignore-eos'],
    ['--percentile-metrics', 'ttft,tpot,itl,e2el'],
    ['--metric-percentiles', '50,90,95,99'],
    ['--save-result'],
    ['--result-filename', 'measured.json'],
  ];
}

function sglangArguments(load: Load): Argument[] {
  return [
    ['--backend', 'sglang'],
    ['--dataset-name', 'random'],
    ['--random-input-len', load.promptTokens],
    ['--random-output-len', load.outputTokens],
    // Lengths are drawn between this share of the given ones and all of them.
    ['--random-range-ratio', 1],
    ['--num-prompts', load.requests],
    ...(load.rate === null ? [] : [['--request-rate', String(load.rate)] as const]),
    ...(load.concurrency === null ? [] : [['--max-concurrency', load.concurrency] as const]),
    ['--output-file', 'measured.jsonl'],
  ];
}

function aiperfArguments(load: Load): Argument[] {
  return [
    ['--endpoint-type', 'chat'],
    ['--streaming'],
    ['--synthetic-input-tokens-mean', load.promptTokens],
    ['--synthetic-input-tokens-stddev', 0],
    ['--output-tokens-mean', load.outputTokens],
    ['--output-tokens-stddev', 0],
    ['--extra-inputs', 'ignore_eos:true'],
    ['--request-count', load.requests],
    ...(load.rate === null ? [] : [['--request-rate', load.rate] as const]),
    ...(load.concurrency === null ? [] : [['--concurrency', load.concurrency] as const]),
  ];
}

const TOOLS: Readonly<
  Record<
    BenchmarkTool,
    { readonly head: (repository: string) => string; readonly args: (load: Load) => Argument[] }
  >
> = {
  vllm: { head: (repository) => `vllm bench serve --model ${repository}`, args: vllmArguments },
  sglang: {
    head: (repository) => `python -m sglang.bench_serving --model ${repository}`,
    args: sglangArguments,
  },
  aiperf: { head: (repository) => `aiperf profile --model ${repository}`, args: aiperfArguments },
};

/** The tool that comes with the plan's engine; vLLM's speaks to any server with OpenAI's API. */
function toolOf({ deployment }: PlanRun): BenchmarkTool {
  return deployment?.choice.engine === 'sglang' ? 'sglang' : 'vllm';
}

function notesOf(run: PlanRun, load: PlanLoad, tool: BenchmarkTool): string[] {
  const { deployment } = run;
  return [
    ...(load.promptTokens.kind === 'fixed' && load.outputTokens.kind === 'fixed'
      ? []
      : ['The lengths are the means of the plan’s; their spread is not offered, so tails will be shorter.']),
    ...(load.trace === null ? [] : [`The trace ${load.trace} is not replayed: only its means are.`]),
    ...(load.sharedPrefix !== null && tool !== 'vllm'
      ? ['The shared prefix is not offered by this tool; vllm bench serve has --random-prefix-len.']
      : []),
    ...(load.sharedPrefix !== null && tool === 'vllm' && load.sharedPrefix.prompts > 1
      ? [`One prefix is shared by all requests here, not ${load.sharedPrefix.prompts} different ones.`]
      : []),
    ...((deployment?.choice.replicas ?? 1) > 1 ? ['Point it at the router in front of all replicas.'] : []),
  ];
}

/** Null for a plan without a deployment. @param tool that of the engine unless named */
export function benchmarkCommand(
  run: PlanRun,
  tool?: BenchmarkTool,
  options: RenderOptions = {},
): Settings | null {
  if (run.deployment === null) return null;
  const name = tool ?? toolOf(run);
  const subject = subjectOf(run.deployment.choice, options);
  const notes = [...repositoryNotes(subject), ...notesOf(run, run.scenario.load, name)];
  const args = accepted(BENCHMARK_FLAGS[name], TOOLS[name].args(loadOf(run)));
  const text = shellCommand(TOOLS[name].head(quoted(subject.repository)), args, notes);
  return { text, language: 'shell', file: 'benchmark.sh', notes };
}
