/** Runs the cases on one GPU: every contender of a case is timed in the same rounds. */
import { median } from '../src/core/metrics/percentiles.ts';
import type { Gpu } from '../src/gpu/context.ts';
import { measureFmaRate } from '../src/gpu/microbench/fma-rate.ts';
import { measureReadBandwidth } from '../src/gpu/microbench/read-bandwidth.ts';
import { createTimer, type Timer, type VariantTiming } from '../src/gpu/timing.ts';
import { benchCases, type BenchCase } from './cases.ts';
import { makeContender, makeInputs, makePools, type Contender, type Inputs, type Pools } from './problem.ts';
import type { BenchResult, BenchRow, CaseResult, PeerRow } from './report.ts';

/** Times onnxruntime-web beside ours; only a browser has it. */
export type RunPeers = (
  gpu: Gpu,
  timer: Timer,
  shape: BenchCase,
  inputs: Inputs,
  pools: Pools,
  ours: Contender,
) => Promise<PeerRow[]>;

export interface SuiteOptions {
  readonly full: boolean;
  /** Part of a case's name; only these cases run. */
  readonly only: string;
  readonly rounds: number;
  readonly runtime: string;
  readonly date: string;
  readonly runPeers: RunPeers | null;
  readonly say: (text: string) => void;
}

export async function runSuite(gpu: Gpu, options: SuiteOptions): Promise<BenchResult> {
  const { say, full, only } = options;
  const timer = await createTimer(gpu);
  say('Measuring the peaks of this adapter…');
  const before = await peaks(gpu, timer);
  const chosen = benchCases(gpu.isFallback, full).filter(({ name }) => name.includes(only));
  const cases: CaseResult[] = [];
  for (const shape of chosen) {
    say(`${shape.name}…`);
    cases.push(await runCase(gpu, timer, shape, options));
  }
  // The machine may have slowed down or sped up meanwhile; the higher figure is the stricter one.
  const after = await peaks(gpu, timer);
  const { vendor, architecture, description } = gpu.info;
  return {
    date: options.date,
    device: [vendor, architecture, description].filter((text) => text !== '').join(' '),
    runtime: options.runtime,
    clock: timer.clock === 'gpu' ? `GPU clock in steps of ${timer.quantumNs ?? 0} ns` : 'host clock',
    readPeakGbps: Math.max(before.read, after.read),
    fmaPeakGflops: Math.max(before.fma, after.fma),
    cases,
  };
}

async function peaks(gpu: Gpu, timer: Timer): Promise<{ read: number; fma: number }> {
  const read = await measureReadBandwidth(gpu, timer);
  const fma = await measureFmaRate(gpu, timer, 'f32');
  return { read: median(read.gbpsSamples), fma: median(fma.gflopsSamples) };
}

async function runCase(gpu: Gpu, timer: Timer, shape: BenchCase, options: SuiteOptions): Promise<CaseResult> {
  const inputs = await makeInputs(gpu, shape);
  const made: Pools[] = [];
  const contenders: Contender[] = [];
  const notes: string[] = [];
  try {
    for (const format of shape.formats) {
      const paged = await makePools(gpu, shape, format, 'shuffled', inputs);
      const contiguous = await makePools(gpu, shape, format, 'ordered', inputs);
      made.push(paged, contiguous);
      contenders.push(await makeContender(gpu, paged, inputs, 'paged', 'auto'));
      contenders.push(await makeContender(gpu, contiguous, inputs, 'contiguous', 'auto'));
      if (gpu.features.subgroups)
        contenders.push(await makeContender(gpu, paged, inputs, 'paged', 'no-subgroups'));
    }
    const timings = await timer.measure(
      contenders.map((contender) => ({ name: nameOf(contender), encode: contender.encode })),
      { rounds: options.rounds },
    );
    const rows = contenders.map((contender) => rowOf(contender, contenders, timings, shape));
    const [first] = contenders;
    const [firstPools] = made;
    const peers: PeerRow[] = [];
    if (shape.peer && options.runPeers && first && firstPools) {
      options.say(`${shape.name}: onnxruntime-web…`);
      peers.push(...(await options.runPeers(gpu, timer, shape, inputs, firstPools, first)));
    } else if (shape.peer) notes.push('onnxruntime-web needs a browser and did not run.');
    return { name: shape.name, rows, peers, notes };
  } finally {
    for (const contender of contenders) contender.destroy();
    gpu.buffers.destroy(
      ...Object.values(inputs),
      ...made.flatMap((pools) => [
        ...pools.copies,
        pools.tableBuffer,
        ...Object.values(pools.residual ?? {}),
      ]),
    );
  }
}

const nameOf = ({ format, layout, tier }: Pick<Contender, 'format' | 'layout' | 'tier'>): string =>
  `${format} ${layout} ${tier}`;

function rowOf(
  of: Contender,
  all: readonly Contender[],
  timings: readonly VariantTiming[],
  shape: BenchCase,
): BenchRow {
  const samples = samplesOf(nameOf(of), timings);
  const over = (other: Contender | undefined): number | null =>
    other === undefined || other === of ? null : medianRatio(samples, samplesOf(nameOf(other), timings));
  const like = (wanted: Partial<Contender>): Contender | undefined =>
    all.find((one) =>
      Object.entries({ format: of.format, layout: of.layout, tier: of.tier, ...wanted }).every(
        ([key, value]) => one[key as keyof Contender] === value,
      ),
    );
  const medianMs = median(samples);
  const [firstFormat] = shape.formats;
  return {
    format: of.format,
    layout: of.layout,
    tier: of.tier,
    variant: of.variant,
    medianMs,
    minMs: Math.min(...samples),
    gbps: of.kvBytes / medianMs / 1e6,
    gflops: (4 * shape.batch * shape.queryHeads * shape.headDim * shape.context) / medianMs / 1e6,
    maxAbsError: of.maxAbsError,
    overFirstFormat: firstFormat === undefined ? null : over(like({ format: firstFormat })),
    overContiguous: of.layout === 'paged' ? over(like({ layout: 'contiguous' })) : null,
    overSubgroups: of.tier === 'no-subgroups' ? over(like({ tier: 'subgroups' })) : null,
  };
}

function samplesOf(name: string, timings: readonly VariantTiming[]): readonly number[] {
  const timing = timings.find((one) => one.name === name);
  if (!timing || timing.samplesMs.length === 0) throw new Error(`${name} was not timed.`);
  return timing.samplesMs;
}

/** Samples of the same round are compared, so that a slow moment of the machine hits both. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return median(a) / median(b);
  return median(a.map((value, i) => value / (b[i] ?? Number.NaN)));
}
