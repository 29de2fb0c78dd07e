/** What the planner's times depend on, and what follows from a setting alone. */
import type { AttentionKernel, GpuRecord } from '../../core/hardware/records.ts';
import { pow } from '../../core/math.ts';
import type { Architecture } from '../../core/model/architecture.ts';
import type { PlanCalibration } from '../../core/run/calibration.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import type { EngineTimes } from '../calibration/engines.ts';

/** What of a choice the times depend on. */
export type SpeedChoice = Pick<
  PlanChoice,
  | 'engine'
  | 'tensorParallel'
  | 'pipelineParallel'
  | 'expertParallel'
  | 'weights'
  | 'kvFormat'
  | 'tokenBudget'
  | 'speculation'
  | 'disaggregated'
>;

/** A load in closed form: tokens of the mean request, of which `cached` need not be computed. */
export interface SteadyLoad {
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly cachedTokens: number;
}

/** TensorRT-LLM runs decodes and prompts in kernels of its own, apart; the others as vLLM does on the GPU. */
export function attentionOf(engine: SpeedChoice['engine'], gpu: GpuRecord): AttentionKernel {
  return engine === 'tensorrt-llm' ? 'split' : gpu.serving.attention;
}

/** Tokens of a sequence that one step of speculation yields. */
export function tokensPerStep(speculation: PlanChoice['speculation']): number {
  if (speculation === null) return 1;
  const { draftTokens, acceptance } = speculation;
  if (acceptance >= 1) return draftTokens + 1;
  return (1 - pow(acceptance, draftTokens + 1)) / (1 - acceptance);
}

export interface SpeedOptions {
  /** The engine's own times; left out: those of its row. */
  readonly host?: EngineTimes | undefined;
  readonly calibration?: PlanCalibration | undefined;
}

/** Whether a calibration was made on such a replica. */
export function appliesTo(
  calibration: PlanCalibration,
  { engine }: SpeedChoice,
  gpu: GpuRecord,
  model: Architecture,
): boolean {
  const same = calibration.model === null || calibration.model === model.id;
  return same && calibration.engine === engine && calibration.gpu === gpu.id;
}
