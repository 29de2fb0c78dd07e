/** `kvlab gpus`: the GPUs that plans know, with their sources and the rent that is published for them. */
import { ALL_GPUS, gpusOf, priceFor, pricesOf, type GpuRecord } from '../../plan/index.ts';
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
  const rows = found.map((gpu) => ({ ...gpu, prices: pricesOf(gpu.id) }));
  terminal.answer(invocation.json ? `${JSON.stringify(rows)}\n` : table([HEAD, ...found.map(cells)]));
  return 'done';
}

const HEAD = [
  'id',
  'name',
  'kind',
  'architecture',
  'GB',
  'GB/s',
  'bf16 TFLOPS',
  'fp8 TFLOPS',
  'L2 MB',
  'W',
  '$/h on demand',
];

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
    rent(gpu),
  ];
}

/** The middle one of the published prices and its month. */
function rent({ id }: GpuRecord): string {
  const price = priceFor(id, { contract: 'on-demand', provider: null, region: null });
  return price === null ? '–' : `${price.perGpuHour.toFixed(2)} (${price.provider}, ${price.date})`;
}
