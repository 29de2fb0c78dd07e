/**
 * The settings of a run as code to paste: a vLLM command, or a page with transformers.js.
 *
 * A tuning gives its best plan, a plan its deployment, a simulation the engine that it simulated. What the target cannot
 * say stands in the text as a comment.
 */
import { findGpu } from '../../core/hardware/records.ts';
import type { Read } from '../../core/json.ts';
import { bestPlanOf } from '../../core/metrics/tune/best-plan.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import type { PlanChoice } from '../../core/run/plan.ts';
import type { Run } from '../../core/run/schema.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import { renderSettings } from '../plan/settings.ts';
import { applyPlan } from '../tune/apply.ts';

export const CODE_TARGETS = ['vllm', 'transformers.js'] as const;
export type CodeTarget = (typeof CODE_TARGETS)[number];

export interface EngineCode {
  readonly text: string;
  /** Of a file that holds it. */
  readonly extension: string;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  shell: 'sh',
  javascript: 'js',
  yaml: 'yaml',
  json: 'json',
};

/** What was simulated, as a choice of the planner. */
export function simulatedChoice({ model, hardware, engine, cluster }: SimScenario): PlanChoice {
  const { gpu, tensorParallel, pipelineParallel, memoryUtilization } = hardware;
  const { disaggregation, replicas, tiers } = cluster;
  const count =
    disaggregation === null ? replicas : disaggregation.prefillReplicas + disaggregation.decodeReplicas;
  return {
    model,
    gpu,
    gpuName: findGpu(gpu)?.name ?? gpu,
    gpus: tensorParallel * pipelineParallel * count,
    replicas: count,
    tensorParallel,
    pipelineParallel,
    expertParallel: false,
    engine: 'vllm',
    engineVersion: '',
    weights: engine.weights,
    kvFormat: engine.kvFormat,
    blockSize: engine.blockSize,
    memoryUtilization,
    tokenBudget: engine.tokenBudget,
    maxSequences: engine.maxSequences,
    // 0 is what the model allows; a model without a record leaves it to the engine’s least.
    maxModelTokens: engine.maxModelTokens || (findArchitecture(model)?.maxPositionTokens ?? 1),
    prefixCaching: engine.prefixCache !== 'off',
    offloadGB: tiers.find(({ kind }) => kind === 'host')?.capacityGB ?? 0,
    speculation: engine.speculation,
    disaggregated:
      disaggregation === null
        ? null
        : {
            prefillReplicas: disaggregation.prefillReplicas,
            decodeReplicas: disaggregation.decodeReplicas,
          },
  };
}

/** What the flags do not say of a simulation. */
function notesOf({ hardware, engine, sweep }: SimScenario): readonly string[] {
  const { kvBlocks } = hardware;
  return [
    ...(kvBlocks === null
      ? []
      : [
          `Simulated with ${kvBlocks} KV blocks of ${engine.blockSize} tokens, given by hand; the engine makes as many as its memory holds.`,
        ]),
    ...sweep.map(
      ({ path, values }) =>
        `${path} was swept over ${values.map((value) => JSON.stringify(value)).join(', ')}; here stands the scenario’s own value.`,
    ),
  ];
}

function simulated(scenario: SimScenario, target: CodeTarget): Read<EngineCode> {
  const code = rendered(simulatedChoice(scenario), target);
  if (!code.ok) return code;
  const sign = target === 'vllm' ? '#' : '//';
  const comments = notesOf(scenario).map((note) => `${sign} ${note}\n`);
  return { ok: true, value: { ...code.value, text: comments.join('') + code.value.text } };
}

/** What an engine does not accept, the renderers refuse by its flag. */
function rendered(choice: PlanChoice, target: CodeTarget): Read<EngineCode> {
  try {
    const { text, language } = renderSettings(choice, target);
    return { ok: true, value: { text, extension: EXTENSIONS[language] ?? 'txt' } };
  } catch (error) {
    return { ok: false, sentence: error instanceof Error ? error.message : String(error) };
  }
}

const TUNE_TARGETS = { vllm: 'vllm', 'transformers.js': 'transformersjs' } as const;

export function engineCode(run: Run, target: CodeTarget): Read<EngineCode> {
  if (run.kind === 'tune') {
    const best = bestPlanOf(run);
    return best === null
      ? { ok: false, sentence: `“${run.title}” has no best plan; run the tuning to its end.` }
      : { ok: true, value: applyPlan(best, TUNE_TARGETS[target]) };
  }
  if (run.kind === 'plan') {
    return run.deployment === null
      ? { ok: false, sentence: `“${run.title}” has no deployment: ${run.reason ?? 'nothing fits'}` }
      : rendered(run.deployment.choice, target);
  }
  if (run.kind === 'simulate') return simulated(run.scenario, target);
  if (run.kind === 'autopilot' && run.scenario.backend === 'simulator') {
    return simulated(run.scenario.simulation, target);
  }
  return {
    ok: false,
    sentence: `A ${run.kind} run has no settings of ${target}; take a simulate, plan, tune or autopilot run.`,
  };
}
