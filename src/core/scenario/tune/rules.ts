/** What the schema of a tuning can't say. Each refusal names the wrong number and the nearest that works. */
import { findGpu, knownGpus } from '../../hardware/records.ts';
import { architectureNames, findArchitecture } from '../../model/architecture.ts';
import { nearestName } from '../simulate/nearest.ts';
import { EXECUTOR_AXES } from './axes.ts';
import { resolveTuning, tuningCells, type Tuning } from './resolved.ts';
import { TUNE_AXES, type TuneScenario } from './schema.ts';
import { spaceSize } from './space.ts';

type Rule = (tuning: Tuning) => string | null;

/** Candidates of one tuning. */
export const MAX_CANDIDATES = 2000;

const weights: Rule = ({ profile }) => {
  const { ttft, throughput, memory } = profile.weights;
  const sum = ttft + throughput + memory;
  return Math.abs(sum - 1) > 1e-6
    ? `profile.weights sum to ${Number(sum.toFixed(6))}; they must sum to 1: divide each by ${Number(sum.toFixed(6))}.`
    : null;
};

const lengths: Rule = ({ profile }) =>
  profile.contexts.length === 0 || profile.outputs.length === 0
    ? 'profile.name is custom, but profile.contexts or profile.outputs is null; give both, such as [2048] and [128].'
    : null;

const size: Rule = (tuning) => {
  const candidates = spaceSize(tuning);
  return candidates > MAX_CANDIDATES
    ? `space crosses to ${candidates} settings; the most is ${MAX_CANDIDATES}: drop some values.`
    : null;
};

const axes: Rule = ({ scenario, space, baseline }) => {
  const known = EXECUTOR_AXES[scenario.executor];
  for (const axis of TUNE_AXES) {
    const values = space[axis];
    if (values === undefined) continue;
    if (new Set<unknown>(values).size < values.length)
      return `space.${axis} has a value twice; give each once.`;
    if (!known.axes.includes(axis) && values.some((value) => value !== baseline[axis])) {
      return `space.${axis} changes nothing that ${known.name} measures (${known.axes.join(', ')}); leave it out.`;
    }
  }
  return null;
};

const formats: Rule = ({ scenario, space, baseline }) => {
  const { kvFormats, weights: known, name } = EXECUTOR_AXES[scenario.executor];
  const kv = [baseline.kvFormat, ...(space.kvFormat ?? [])].find((format) => !kvFormats.includes(format));
  if (kv !== undefined)
    return `kvFormat ${kv} is none of ${name} (${kvFormats.join(', ')}); choose one of them.`;
  const held = [baseline.weights, ...(space.weights ?? [])].find((format) => !known.includes(format));
  return held === undefined
    ? null
    : `weights ${held} are none of ${name} (${known.join(', ')}); choose one of them.`;
};

const simulated: Rule = (tuning) => {
  const { models } = tuning;
  const { executor, hardware } = tuning.scenario;
  if (executor === 'engine' || executor === 'endpoint') return null;
  const unknown = models.find((name) => findArchitecture(name) === undefined);
  if (unknown !== undefined) {
    return `models has “${unknown.slice(0, 60)}”, which is not known; the nearest is ${nearestName(unknown, architectureNames())}.`;
  }
  if (findGpu(hardware.gpu) === undefined) {
    const ids = knownGpus().map(({ id }) => id);
    return `hardware.gpu is “${hardware.gpu.slice(0, 60)}”, which is not known; the nearest is ${nearestName(hardware.gpu, ids)}.`;
  }
  const { cells, dropped } = tuningCells(tuning, (name) => findArchitecture(name)?.maxPositionTokens ?? 0);
  return cells.length === 0 ? `No cell of the profile can run: ${dropped[0]?.reason ?? ''}` : null;
};

const modelsOnce: Rule = ({ models, scenario: { executor } }) => {
  if (new Set(models).size < models.length) return 'models names one twice; name each once.';
  return (executor === 'engine' || executor === 'endpoint') && models.length > 1
    ? `models has ${models.length}, but ${executor === 'engine' ? 'the engine holds one model at a time' : 'a server is asked for one'}; tune each by itself.`
    : null;
};

const windows: Rule = ({ baseline, space }) => {
  const strategies = [baseline.strategy, ...(space.strategy ?? [])];
  const kept = [baseline.evictionTokens, ...(space.evictionTokens ?? [])];
  if (strategies.includes('sliding-window') && !kept.some((tokens) => tokens > 0)) {
    return 'space.strategy has sliding-window, but nobody says how many tokens; give space.evictionTokens values such as 1024.';
  }
  const evictions = [baseline.eviction, ...(space.eviction ?? [])];
  return evictions.some((policy) => policy !== 'none') && !kept.some((tokens) => tokens > 0)
    ? 'space.eviction names a policy, but nobody says how many tokens it keeps; give space.evictionTokens values such as 1024.'
    : null;
};

const RULES: readonly Rule[] = [lengths, weights, size, axes, formats, modelsOnce, simulated, windows];

/** The first contradiction, or null. */
export function tuneContradiction(scenario: TuneScenario): string | null {
  const tuning = resolveTuning(scenario);
  for (const rule of RULES) {
    const sentence = rule(tuning);
    if (sentence !== null) return sentence;
  }
  return null;
}
