/** `kvlab profiles`: the profiles of work that a tuning can be for; with --recommend the one that fits a load and a GPU. */
import {
  findArchitecture,
  findGpu,
  modelBytesPerToken,
  NAMED_PROFILES,
  PROFILE_ABOUT,
  PROFILES,
  recommendProfile,
  usableMemoryBytes,
  type Circumstances,
} from '../../index.ts';
import { InputError } from '../errors.ts';
import { readCheck } from '../inputs.ts';
import { wholeNumber } from '../numbers.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

/** Of a memory: what the KV cache gets where nothing else is known. Assumed. */
const KV_SHARE = 0.3;

export function profiles({ invocation, terminal }: CommandContext): Outcome {
  const rows = NAMED_PROFILES.map((name) => ({ ...PROFILES[name], about: PROFILE_ABOUT[name] }));
  if (invocation.given('recommend') !== null) {
    const recommended = recommendProfile(circumstances(invocation));
    const answer = { ...recommended, ...PROFILES[recommended.profile] };
    terminal.answer(
      invocation.json ? `${JSON.stringify(answer)}\n` : `${recommended.profile}: ${recommended.reason}\n`,
    );
    return 'done';
  }
  const text = table([
    ['profile', 'contexts', 'outputs', 'TTFT / throughput / memory', ''],
    ...rows.map(({ name, contexts, outputs, weights, about }) => [
      name,
      contexts.join(', '),
      outputs.join(', '),
      `${weights.ttft} / ${weights.throughput} / ${weights.memory}`,
      about,
    ]),
  ]);
  terminal.answer(invocation.json ? `${JSON.stringify(rows)}\n` : text);
  return 'done';
}

function tokensOf(text: string | null, flag: string, otherwise: number): number {
  return text === null ? otherwise : wholeNumber(flag, text, 1, 10_000_000);
}

/** What the flags say of the load and the device. @throws InputError */
function circumstances({ given, check }: CommandContext['invocation']): Circumstances {
  const model = given('model');
  const gpu = given('gpu');
  const architecture = model === null ? undefined : findArchitecture(model);
  if (model !== null && architecture === undefined) {
    throw new InputError(`The model “${model.slice(0, 60)}” is not known; \`kvlab models\` lists them.`);
  }
  const record = gpu === null ? undefined : findGpu(gpu);
  if (gpu !== null && record === undefined) {
    throw new InputError(`The GPU “${gpu.slice(0, 60)}” is not known; \`kvlab gpus\` lists them.`);
  }
  return {
    context: tokensOf(given('isl'), '--isl', 2048),
    output: tokensOf(given('osl'), '--osl', 128),
    kvBytes: record === undefined ? null : KV_SHARE * usableMemoryBytes(record),
    kvBytesPerToken: architecture === undefined ? null : modelBytesPerToken(architecture, { format: 'bf16' }),
    isSoftware: check !== null && readCheck(check).environment.adapter.isFallback,
  };
}
