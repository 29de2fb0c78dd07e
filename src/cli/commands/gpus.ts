/** `kvlab gpus`: the GPUs that plans know, with their sources. */
import { ALL_GPUS, gpusOf, type GpuRecord } from '../../plan/index.ts';
import { InputError } from '../errors.ts';
import { table } from '../tables.ts';
import type { CommandContext, Outcome } from './command.ts';

export function gpus({ invocation, terminal }: CommandContext): Outcome {
  const filter = invocation.given('filter');
  const found = filter === null ? ALL_GPUS : gpusOf(filter);
  if (found.length === 0) {
    throw new InputError(
      `No GPU is “${(filter ?? '').slice(0, 40)}”; --filter takes a maker (nvidia), a kind (laptop), an architecture (Hopper), or part of a name.`,
    );
  }
  terminal.answer(invocation.json ? `${JSON.stringify(found)}\n` : table([HEAD, ...found.map(cells)]));
  return 'done';
}

const HEAD = ['id', 'name', 'kind', 'architecture', 'GB', 'GB/s', 'bf16 TFLOPS', 'fp8 TFLOPS', 'L2 MB', 'W'];

const number = (value: number | null): string => (value === null ? '–' : String(value));

function cells(gpu: GpuRecord): string[] {
  return [
    gpu.id,
    gpu.name,
    gpu.kind,
    gpu.architecture,
    number(gpu.memoryGB),
    number(gpu.bandwidthGBps),
    number(gpu.fp16MatrixTflops),
    number(gpu.serving.fp8MatrixTflops),
    number(gpu.l2MB),
    number(gpu.tdpW),
  ];
}
