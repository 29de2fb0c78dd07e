/** The measured cost model of a scenario: a profile for the model, formats and ranks that the scenario names. */
import { findGpu } from '../../core/hardware/records.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import { allReduceOf } from './comm.ts';
import type { CostModel } from './model.ts';
import { ProfileError } from './table-files.ts';
import { readLayerProfile, type ProfileFiles } from './table-profile.ts';
import { defaultGraphSizes } from './table-shapes.ts';
import { TableCost } from './table.ts';

/** The part of a scenario that a measured table answers for. */
export type ProfiledScenario = Pick<SimScenario, 'model' | 'hardware' | 'engine'>;

/** Names without the maker: "meta-llama/Llama-3.1-8B" and "Llama-3.1-8B" are one model. */
export function sameModel(a: string, b: string): boolean {
  const bare = (name: string): string => (name.split('/').at(-1) ?? name).toLowerCase();
  return bare(a) === bare(b);
}

/** @throws ProfileError when the profile can't be read, or is not of what the scenario asks for */
export function profileCost(files: ProfileFiles, { model, hardware, engine }: ProfiledScenario): CostModel {
  const profile = readLayerProfile(files, hardware.tensorParallel);
  const architecture = findArchitecture(model);
  if (!architecture || !sameModel(profile.model, architecture.name)) {
    throw new ProfileError('meta.yaml', 0, `is of ${profile.model}; the scenario's model is ${model}.`);
  }
  if (hardware.pipelineParallel > 1) {
    const stages = hardware.pipelineParallel;
    throw new ProfileError('meta.yaml', 0, `measures whole models; the scenario has ${stages} stages.`);
  }
  if (engine.weights !== 'bf16' || engine.kvFormat !== 'bf16') {
    const formats = `${engine.weights} weights and ${engine.kvFormat} KV`;
    throw new ProfileError('meta.yaml', 0, `is measured in bf16; the scenario has ${formats}.`);
  }
  const gpu = findGpu(hardware.gpu);
  const unknown = { latencySeconds: 0, busBytesPerSecond: Infinity };
  return new TableCost(profile, {
    model: architecture,
    graphSizes: defaultGraphSizes(engine.maxSequences, engine.tokenBudget),
    allReduce: gpu ? allReduceOf(gpu, Math.max(2, hardware.tensorParallel)) : unknown,
  });
}
