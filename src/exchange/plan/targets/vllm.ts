/**
 * vLLM: `vllm serve`, as a command and as the YAML of `--config`.
 *
 * Weights that vLLM quantizes while it loads (fp8) need a flag; formats that it only reads (int8, int4) need a checkpoint,
 * from which it takes the method by itself. https://docs.vllm.ai/en/latest/features/quantization/
 */
import * as v from 'valibot';
import { stringify } from 'yaml';
import { findAnyGpu } from '../../../core/hardware/catalogue.ts';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { checkpointNotes, checkpointWord, type Checkpoints } from '../checkpoints.ts';
import { accepted, FlagTable, nearestAtMost, numericChoices, type Argument } from '../flags.ts';
import rows from '../flags/vllm.json' with { type: 'json' };
import { commentLines, shellCommand } from '../shell.ts';
import {
  gibibytes,
  LOOKUP_COST,
  offloadBytes,
  replicaNotes,
  repositoryNotes,
  sixteenBits,
  type Renderer,
  type RenderSubject,
} from '../subject.ts';

export const VLLM_FLAGS: FlagTable = v.parse(FlagTable, rows);

const KV_DTYPES: Readonly<Record<PlanChoice['kvFormat'], string>> = {
  bf16: 'auto',
  fp8: 'fp8',
  int8: 'int8_per_token_head',
  int4: 'int4_per_token_head',
  // Its narrowest: three bits.
  int2: 'turboquant_3bit_nc',
};

/** What `--quantization` says; null: the checkpoint does. */
const QUANTIZATION: Readonly<Record<PlanChoice['weights'], string | null>> = {
  bf16: null,
  fp8: 'fp8',
  int8: null,
  int4: null,
  mxfp4: null,
};

/** Checkpoints to look for where vLLM cannot make the format itself. */
const CHECKPOINTS: Checkpoints = {
  int8: 'compressed-tensors W8A8',
  int4: 'AWQ, GPTQ or compressed-tensors W4A16',
};

export const renderVllm: Renderer = (subject) => {
  const { choice } = subject;
  const notes = vllmNotes(subject);
  const text = rolesOf(choice)
    .map(({ role, transfer }, index) => {
      const comments = [...(index === 0 ? notes : []), ...(role === null ? [] : [role])];
      return shellCommand(
        `vllm serve ${checkpointWord(subject, CHECKPOINTS)}`,
        vllmArguments(choice, transfer),
        comments,
      );
    })
    .join('\n');
  return { text, language: 'shell', file: 'vllm-serve.sh', notes };
};

/** The file of `vllm serve --config`. A switch is `true`; what is off has its `no-` name. */
export const renderVllmYaml: Renderer = (subject) => {
  const { choice, repository } = subject;
  const notes = vllmNotes(subject);
  const [first] = rolesOf(choice);
  const args = vllmArguments(choice, first?.transfer ?? null);
  const checkpoint = CHECKPOINTS[choice.weights];
  const model = checkpoint === undefined ? repository : `${repository}-${choice.weights}`;
  const document = {
    model,
    ...Object.fromEntries(args.map(([flag, value]) => [flag.slice(2), yamlValue(flag, value)])),
  };
  const comments = [
    'vllm serve --config vllm.yaml',
    ...notes,
    ...(checkpoint === undefined ? [] : [`model: put the name of a checkpoint in ${checkpoint} here.`]),
    ...(choice.disaggregated === null ? [] : ['This is the prefill side; the decode side is the same file.']),
  ];
  const text = `${commentLines(comments)}${stringify(document)}`;
  return { text, language: 'yaml', file: 'vllm.yaml', notes };
};

function yamlValue(flag: string, value: Argument[1]): unknown {
  if (value === undefined) return true;
  return VLLM_FLAGS.flags[flag]?.kind === 'json' ? JSON.parse(String(value)) : value;
}

interface Role {
  /** What this server is for; null: everything. */
  readonly role: string | null;
  /** Of --kv-transfer-config. */
  readonly transfer: string | null;
}

const NIXL = JSON.stringify({ kv_connector: 'NixlConnector', kv_role: 'kv_both' });

function rolesOf({ disaggregated }: PlanChoice): Role[] {
  if (disaggregated === null) return [{ role: null, transfer: null }];
  const { prefillReplicas, decodeReplicas } = disaggregated;
  return [
    { role: `Prefill, ${prefillReplicas} of these:`, transfer: NIXL },
    { role: `Decode, ${decodeReplicas} of these:`, transfer: NIXL },
  ];
}

/** Every setting of the plan, whether or not it is vLLM's default: a default of today is not one of tomorrow. */
export function vllmArguments(choice: PlanChoice, transfer: string | null = null): readonly Argument[] {
  const quantization = QUANTIZATION[choice.weights];
  const args: Argument[] = [
    ['--tensor-parallel-size', choice.tensorParallel],
    ...when(choice.pipelineParallel > 1, ['--pipeline-parallel-size', choice.pipelineParallel]),
    ...when(choice.expertParallel, ['--enable-expert-parallel']),
    ...when(choice.weights === 'bf16', ['--dtype', sixteenBits(choice)]),
    ...(quantization === null ? [] : [['--quantization', quantization] as const]),
    ['--kv-cache-dtype', KV_DTYPES[choice.kvFormat]],
    ['--block-size', blockSizeOf(choice)],
    ['--gpu-memory-utilization', Math.round(choice.memoryUtilization * 1000) / 1000],
    ['--max-model-len', choice.maxModelTokens],
    ['--max-num-seqs', choice.maxSequences],
    // vLLM refuses a budget of fewer tokens than sequences.
    ['--max-num-batched-tokens', Math.max(choice.tokenBudget, choice.maxSequences)],
    [choice.prefixCaching ? '--enable-prefix-caching' : '--no-enable-prefix-caching'],
    ...offloadArguments(choice),
    ...speculationArguments(choice),
    ...(transfer === null ? [] : [['--kv-transfer-config', transfer] as const]),
  ];
  return accepted(VLLM_FLAGS, args);
}

function when(wanted: boolean, argument: Argument): readonly Argument[] {
  return wanted ? [argument] : [];
}

function blockSizeOf({ blockSize }: PlanChoice): number {
  return nearestAtMost(numericChoices(VLLM_FLAGS, '--block-size'), blockSize);
}

/** The buffer's size is that of all ranks together, in GiB (CacheConfig.kv_offloading_size). */
function offloadArguments(choice: PlanChoice): readonly Argument[] {
  const size = gibibytes(offloadBytes(choice));
  if (size <= 0) return [];
  return [
    ['--kv-offloading-size', size],
    ['--kv-offloading-backend', 'native'],
  ];
}

/** Drafts go in under a name to replace: a plan knows their cost, not their name. */
const DRAFT_MODEL = 'DRAFT_MODEL';

function speculationArguments({ speculation }: PlanChoice): readonly Argument[] {
  if (speculation === null || speculation.draftTokens < 1) return [];
  const common = { num_speculative_tokens: speculation.draftTokens };
  const config =
    speculation.draftCost <= LOOKUP_COST
      ? { method: 'ngram', ...common, prompt_lookup_max: 4 }
      : { model: DRAFT_MODEL, ...common };
  return [['--speculative-config', JSON.stringify(config)]];
}

/** What vLLM runs on through packages beside it (docs/getting_started/installation). */
function pluginNotes({ gpu }: PlanChoice): string[] {
  const record = findAnyGpu(gpu);
  const plugin =
    record?.vendor === 'apple'
      ? 'vllm-metal'
      : record?.architecture.startsWith('Gaudi') === true
        ? 'vllm-gaudi'
        : null;
  return plugin === null
    ? []
    : [`On ${record?.name ?? gpu} vLLM runs with the plugin ${plugin}: install it too.`];
}

export function vllmNotes(subject: RenderSubject): string[] {
  const { choice } = subject;
  const notes = [
    ...replicaNotes(choice),
    ...repositoryNotes(subject),
    ...checkpointNotes('vLLM', subject, CHECKPOINTS),
    ...pluginNotes(choice),
  ];
  if (choice.kvFormat === 'int2') {
    notes.push(
      'vLLM has no KV cache of two bits; this is its narrowest, three bits, and takes half as much again.',
    );
  }
  const blockSize = blockSizeOf(choice);
  if (blockSize !== choice.blockSize) {
    notes.push(`vLLM has no blocks of ${choice.blockSize} tokens; these have ${blockSize}.`);
  }
  if (choice.speculation !== null && choice.speculation.draftCost > LOOKUP_COST) {
    notes.push(
      `${DRAFT_MODEL} in the speculative configuration is the draft's name, which the plan does not know.`,
    );
  }
  if (choice.disaggregated !== null) {
    notes.push(
      'Prefill and decode exchange KV over NIXL; a router must send each request first to one, then to the other.',
    );
  }
  return notes;
}
