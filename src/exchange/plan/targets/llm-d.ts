/**
 * llm-d on Kubernetes: values of the llm-d-modelservice chart, whose pods run vLLM with the plan's arguments.
 *
 * The chart's own default image is a simulator, so one is named; pin the tag that your cluster has tested.
 */
import * as v from 'valibot';
import { stringify } from 'yaml';
import { findAnyGpu } from '../../../core/hardware/catalogue.ts';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { accepted, documentArguments, FlagTable, type Argument } from '../flags.ts';
import rows from '../flags/llm-d.json' with { type: 'json' };
import { commentLines } from '../shell.ts';
import { gpusOf, type Renderer, type RenderSubject } from '../subject.ts';
import { vllmArguments, vllmNotes } from './vllm.ts';

export const LLM_D_KEYS: FlagTable = v.parse(FlagTable, rows);

const IMAGE = 'ghcr.io/llm-d/llm-d-cuda:v0.7.0';
const SERVED_BY_CHART = ['--tensor-parallel-size', '--data-parallel-size'];
const TRANSFER = JSON.stringify({ kv_connector: 'NixlConnector', kv_role: 'kv_both' });

/** Arguments as the list of a container; the chart adds parallelism and the port itself. */
function containerArguments(choice: PlanChoice, transfer: string | null): string[] {
  return vllmArguments(choice, transfer)
    .filter(([flag]) => !SERVED_BY_CHART.includes(flag))
    .flatMap(([flag, value]: Argument) => (value === undefined ? [flag] : [flag, String(value)]));
}

function role(choice: PlanChoice, replicas: number, transfer: string | null): Record<string, unknown> {
  const gpus = String(gpusOf(choice));
  const resource = acceleratorOf(choice) === 'amd' ? 'amd.com/gpu' : 'nvidia.com/gpu';
  return {
    create: replicas > 0,
    replicas,
    parallelism: { tensor: choice.tensorParallel, data: 1 },
    containers: [
      {
        name: 'vllm',
        image: IMAGE,
        modelCommand: 'vllmServe',
        args: containerArguments(choice, transfer),
        mountModelVolume: true,
        resources: { limits: { [resource]: gpus }, requests: { [resource]: gpus } },
      },
    ],
  };
}

function acceleratorOf({ gpu }: PlanChoice): string {
  const vendor = findAnyGpu(gpu)?.vendor;
  if (vendor === 'amd') return 'amd';
  return vendor === 'intel' ? 'intel-xe' : 'nvidia';
}

export function llmDValues({ choice, repository, weightsBytes }: RenderSubject): Record<string, unknown> {
  const { disaggregated } = choice;
  const transfer = disaggregated === null ? null : TRANSFER;
  const document = {
    modelArtifacts: {
      name: repository,
      uri: `hf://${repository}`,
      size: volumeOf(weightsBytes, choice),
      authSecretName: 'llm-d-hf-token',
    },
    accelerator: { type: acceleratorOf(choice) },
    routing: {
      servicePort: 8000,
      proxy:
        disaggregated === null
          ? { enabled: false }
          : { enabled: true, targetPort: 8200, connector: 'nixlv2' },
    },
    decode: role(choice, disaggregated?.decodeReplicas ?? choice.replicas, transfer),
    prefill:
      disaggregated === null
        ? { create: false, replicas: 0 }
        : role(choice, disaggregated.prefillReplicas, transfer),
  };
  accepted(LLM_D_KEYS, documentArguments(document));
  return document;
}

/** Half as much again as the weights: files are downloaded beside what is already there. */
function volumeOf(weightsBytes: number | null, choice: PlanChoice): string {
  if (weightsBytes === null) return '1Ti';
  return `${Math.max(10, Math.ceil((1.5 * weightsBytes * gpusOf(choice)) / 2 ** 30))}Gi`;
}

export const renderLlmD: Renderer = (subject) => {
  const { choice, weightsBytes } = subject;
  const notes = [
    ...(choice.engine === 'vllm'
      ? []
      : [`llm-d runs vLLM; this plan is for ${choice.engine}, whose numbers are not vLLM's.`]),
    ...vllmNotes(subject).filter((note) => !note.startsWith('One of ')),
    ...(weightsBytes === null
      ? ['modelArtifacts.size is the room for the weights: put what they take in its place.']
      : []),
    ...(choice.pipelineParallel > 1
      ? ['A pipeline over several nodes needs multinode: true and a LeaderWorkerSet.']
      : []),
    `Pin the image to a tag that is tested in your cluster; ${IMAGE} is llm-d 0.7's.`,
    'llm-d-hf-token is a secret of yours with HF_TOKEN.',
  ];
  const text = `${commentLines(['helm upgrade --install ms llm-d-modelservice/llm-d-modelservice -f values.yaml', ...notes])}${stringify(llmDValues(subject))}`;
  return { text, language: 'yaml', file: 'values.yaml', notes };
};
