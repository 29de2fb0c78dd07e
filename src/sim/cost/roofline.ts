/**
 * The roofline cost model: published rates of a GPU times named efficiencies, over the shapes of a model. No measurement
 * of the step itself: every answer counts as assumed.
 *
 * How good that is: tests/sim/cost/profiles.test.ts compares its steps with measured layer tables of two GPUs.
 */
import type { AttentionKernel, GpuRecord } from '../../core/hardware/records.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import type { StepWork } from '../../core/schedule/work.ts';
import { allReduceOf, allReduceSeconds, sendSeconds } from './comm.ts';
import { emptyBasis, type CostBasis, type CostModel } from './model.ts';
import { ASSUMED_EFFICIENCY, ratesOfRecord, type RooflineSettings, type StepRates } from './rates.ts';
import { layerShard } from './shard.ts';
import { StepTime, type StepShape } from './step-time.ts';

/** What of a scenario the cost of a step depends on. */
export type CostScenario = Pick<SimScenario, 'hardware' | 'engine'>;

/** The shape of a step of a model under a scenario's sharding and formats. */
export function stepShape(
  model: Architecture,
  gpu: GpuRecord,
  { hardware, engine }: CostScenario,
  attention: AttentionKernel = gpu.serving.attention,
): StepShape {
  const { tensorParallel, pipelineParallel } = hardware;
  const { weights, kvFormat } = engine;
  return stepShapeOf(model, gpu, { weights, kvFormat, tensorParallel, pipelineParallel }, attention);
}

/** Formats and sharding, as a simulation and a plan both have them. */
export type ShapeSettings = Pick<SimScenario['hardware'], 'tensorParallel' | 'pipelineParallel'> &
  Pick<SimScenario['engine'], 'weights' | 'kvFormat'> & {
    /** Left out: each rank has a slice of every expert. */
    readonly expertParallel?: boolean;
    /** Left out: kernels of their own quantise activations, as in vLLM. */
    readonly fusedQuantising?: boolean;
  };

export function stepShapeOf(
  model: Architecture,
  gpu: GpuRecord,
  { tensorParallel: ranks, pipelineParallel, ...settings }: ShapeSettings,
  attention: AttentionKernel = gpu.serving.attention,
): StepShape {
  const options = { ...settings, ranks, attention };
  return {
    shards: model.kinds.map((kind) => layerShard(model, kind, options)),
    hidden: model.hidden,
    vocab: model.vocab / ranks,
    pipeline: pipelineParallel,
    ranks,
    reduce: allReduceOf(gpu, ranks),
    sendSeconds: sendSeconds(0, gpu),
    sendSecondsPerByte: sendSeconds(1, gpu) - sendSeconds(0, gpu),
  };
}

/** A cost model over a step's shape whose answers all rest on the same ground. */
export class ShapedCost implements CostModel {
  readonly name: string;
  readonly about: string;
  readonly basis: CostBasis = emptyBasis();
  #time: StepTime;
  #ground: 'assumed' | 'extrapolated';

  constructor(name: string, about: string, time: StepTime, ground: 'assumed' | 'extrapolated') {
    this.name = name;
    this.about = about;
    this.#time = time;
    this.#ground = ground;
  }

  stepMs(work: StepWork): number {
    this.basis[this.#ground]++;
    return this.#time.stepMs(work);
  }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** "8 GPUs of tensor parallelism" and the like; empty for one GPU. */
export function groupInWords({ tensorParallel, pipelineParallel }: SimScenario['hardware']): string {
  if (tensorParallel === 1 && pipelineParallel === 1) return '';
  const stages = pipelineParallel === 1 ? '' : `, ${pipelineParallel} stages`;
  return ` × ${tensorParallel * pipelineParallel} (tensor parallel ${tensorParallel}${stages})`;
}

function aboutRates(gpu: GpuRecord, settings: RooflineSettings, rates: StepRates, format: string): string {
  const known = gpu.serving.efficiency;
  const compute = settings.computeEfficiency ?? (known ?? ASSUMED_EFFICIENCY).matmulCompute;
  const memory = settings.memoryEfficiency ?? (known ?? ASSUMED_EFFICIENCY).matmulMemory;
  const given = settings.computeEfficiency !== null || settings.memoryEfficiency !== null;
  const from = given
    ? 'set in the scenario'
    : known
      ? `measured: ${known.source}`
      : 'assumed, not measured on it';
  const peak = Math.round(rates.linearFlops / compute / 1e12);
  return (
    `Published rates of ${gpu.name} (${peak} TFLOP/s with ${format} weights, ${gpu.bandwidthGBps} GB/s) at ` +
    `${percent(compute)} and ${percent(memory)} for linear layers (${from}); ${settings.overheadMs} ms of host a step.`
  );
}

/** How long a small and a large message take, and what that rests on; the whole source is in the GPU's record. */
function aboutAllReduces(gpu: GpuRecord, ranks: number): string {
  const reduce = allReduceOf(gpu, ranks);
  const us = (bytes: number) => Math.round(allReduceSeconds(bytes, ranks, reduce) * 1e6);
  const from = reduce.measured ? 'measured' : `assumed as ${reduce.like}`;
  return `All-reduces, custom or NCCL: 16 KiB ${us(2 ** 14)} µs, 128 MiB ${us(2 ** 27)} µs, ${from}.`;
}

export interface RooflineInput {
  readonly scenario: CostScenario;
  readonly model: Architecture;
  readonly gpu: GpuRecord;
}

export function createRoofline(
  settings: RooflineSettings,
  { scenario, model, gpu }: RooflineInput,
): CostModel {
  const { weights, kvFormat } = scenario.engine;
  const rates = ratesOfRecord(gpu, weights, settings, kvFormat);
  const shape = stepShape(model, gpu, scenario);
  const { tensorParallel } = scenario.hardware;
  const words = [aboutRates(gpu, settings, rates, weights)];
  if (tensorParallel > 1) words.push(aboutAllReduces(gpu, tensorParallel));
  const name = `roofline, ${gpu.name}${groupInWords(scenario.hardware)}, ${model.name}`;
  return new ShapedCost(name, words.join(' '), new StepTime(shape, rates), 'assumed');
}
