/** What the figures of a plan share: the line under the title, and where the numbers come from. */
import type { Deployment, PlanChoice, PlanRun } from '../../../core/run/plan.ts';
import type { FigureSpec } from '../../figure.ts';

/** `2 × H100 SXM, TP 2`. */
export function hardwareWords({ gpus, gpuName, tensorParallel, pipelineParallel }: PlanChoice): string {
  const split = [
    ...(tensorParallel > 1 ? [`TP ${tensorParallel}`] : []),
    ...(pipelineParallel > 1 ? [`PP ${pipelineParallel}`] : []),
  ];
  return [`${gpus > 1 ? `${gpus} × ` : ''}${gpuName}`, ...split].join(', ');
}

/** `Llama-3.1-8B · bf16 weights, fp8 KV · 2 × H100 SXM, TP 2 · vllm 0.19`. */
export function choiceWords(choice: PlanChoice): string {
  const formats = `${choice.weights} weights, ${choice.kvFormat} KV`;
  return [choice.model, formats, hardwareWords(choice), `${choice.engine} ${choice.engineVersion}`].join(
    ' · ',
  );
}

type Provenance = Pick<FigureSpec, 'subtitle' | 'origin' | 'source'>;

/** The deployment is under the title; a figure over many of them names the model alone. */
export function planProvenance(run: PlanRun, deployment: Deployment | null): Provenance {
  const subtitle = deployment === null ? run.scenario.model : choiceWords(deployment.choice);
  return {
    subtitle,
    origin: run.origin,
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}
