/** What the engine's bench found, and its table for docs/measured.md. */
import { GOALS } from './cases.ts';
import type { DecodeResult } from './decode.ts';

export interface EngineCase extends DecodeResult {
  readonly name: string;
  readonly weightBytes: number;
}

export interface LargeCase extends EngineCase {
  readonly readGbps: number;
  readonly fmaGflops: number;
  /** Time that reading all weights takes at the measured bandwidth. */
  readonly weightReadMs: number;
  readonly prefillTokens: number;
  readonly prefillMs: number;
  readonly prefillFlops: number;
}

export interface EngineBench {
  readonly date: string;
  readonly device: string;
  readonly runtime: string;
  readonly isFallback: boolean;
  readonly cases: readonly EngineCase[];
  readonly large: LargeCase | null;
  /** Why something did not run. */
  readonly skipped: readonly string[];
}

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
const percent = (share: number | null): string => (share === null ? '—' : `${(100 * share).toFixed(0)} %`);
const bytes = (value: number): string =>
  value >= 1e9 ? `${(value / 1e9).toFixed(1)} GB` : `${(value / 1e6).toFixed(1)} MB`;

function lines({ name, weightBytes, rows, batchRatio }: EngineCase): string[] {
  return rows.map(({ batch, tokensPerSecond, stepMs, kernelShare }, i) => {
    const cells = [
      i === 0 ? `${name}, ${bytes(weightBytes)}` : '',
      String(batch),
      digits(tokensPerSecond),
      digits(stepMs),
      percent(kernelShare),
      i === 0 ? '' : `${batchRatio.toFixed(2)}×`,
    ];
    return `| ${cells.join(' | ')} |`;
  });
}

function largeLines(large: LargeCase): string[] {
  const { gpu } = GOALS;
  const [one] = large.rows;
  const share = one ? large.weightReadMs / one.stepMs : NaN;
  const gflops = large.prefillFlops / large.prefillMs / 1e6;
  return [
    '',
    `- Batch 1 runs at ${percent(share)} of what bandwidth ÷ weights allows (${digits(large.readGbps)} GB/s measured, ` +
      `${large.weightReadMs.toFixed(2)} ms to read ${bytes(large.weightBytes)}); goal ${percent(gpu.bandwidthShare)}.`,
    `- Batch 8 gives ${large.batchRatio.toFixed(2)} times the throughput of batch 1; goal ${gpu.batchRatio}.`,
    `- Prefill of ${large.prefillTokens} tokens takes ${digits(large.prefillMs)} ms, ${digits(gflops)} GFLOP/s: ` +
      `${percent(gflops / large.fmaGflops)} of the measured f32 FMA peak, ${digits(large.fmaGflops)} GFLOP/s; goal ${percent(gpu.fmaShare)}.`,
  ];
}

export function engineMarkdown(bench: EngineBench): string {
  const { software } = GOALS;
  const goal = bench.isFallback
    ? ` Goals on a software adapter: kernels ${percent(software.kernelShare)} of a step at batch 8, batch 8 at least ${software.batchRatio} times batch 1.`
    : '';
  return [
    `${bench.date}, ${bench.device}, ${bench.runtime}. Greedy decode through the whole engine, medians.${goal}`,
    '',
    '| model, weights on the GPU | batch | tokens/s | ms a step | in kernels | / batch 1 |',
    '| --- | --: | --: | --: | --: | --: |',
    ...[...bench.cases, ...(bench.large ? [bench.large] : [])].flatMap(lines),
    ...(bench.large ? largeLines(bench.large) : []),
    ...bench.skipped.map((why) => `\n${why}`),
    '',
  ].join('\n');
}
