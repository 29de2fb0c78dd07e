/**
 * Every GPU that there is a record of: the small table of records.ts, and the others in catalogue-*.json.
 *
 * Boundary: whoever imports this carries the whole table, so the first screen does not: rooms load it with themselves
 * (all-records.ts), the planner and the command line always.
 */
import * as v from 'valibot';
import { orList } from '../names.ts';
import nvidia from './catalogue-nvidia.json' with { type: 'json' };
import others from './catalogue-others.json' with { type: 'json' };
import { GPU_KINDS, GPU_VENDORS, GpuIndex, gpuKey, GpuRecord, GPUS, matchGpu } from './records.ts';

/** The small table first, then by maker. */
export const ALL_GPUS: readonly GpuRecord[] = [
  ...GPUS,
  ...v.parse(v.array(GpuRecord), nvidia),
  ...v.parse(v.array(GpuRecord), others),
];

const index = new GpuIndex(ALL_GPUS);

/** Words that drivers and clouds put beside a product's own, and that name no other product. */
const BESIDE =
  /^(nvidia|geforce|amd|radeon|instinct|intel|apple|qualcomm|r|tm|gpu|graphics|tesla|quadro|rtx|rx|arc|sxm\d?|pcie|oam|hbm\d?e?|generation|edition|blackwell|hopper|ada|lovelace|radv|navi\d+|instance|x\d)$/;

/** What a driver calls it: all words of one record, and beside them none that could mean another. */
function byDriver(name: string): GpuRecord | undefined {
  const adapter = { vendor: '', architecture: '', device: '', description: name, isFallback: false };
  const found = matchGpu(adapter, ALL_GPUS);
  const words = name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  if (!found || !words.every((word) => found.adapterWords.includes(word) || isBeside(word, found)))
    return undefined;
  return found;
}

/** A size is the record's own, or another product's. */
function isBeside(word: string, { memoryGB }: GpuRecord): boolean {
  const size = /^(\d+)gi?b?$/.exec(word)?.[1];
  return size === undefined ? BESIDE.test(word) : Math.abs(Number(size) / memoryGB - 1) < 0.1;
}

/** A GPU by id, name, alias, or what a driver calls it (`NVIDIA H100 80GB HBM3`), in any case. */
export function findAnyGpu(name: string): GpuRecord | undefined {
  return index.find(name) ?? byDriver(name.slice(0, 200));
}

/** The GPUs whose names are nearest to an unknown one. */
export function nearestGpus(name: string, count = 3): readonly GpuRecord[] {
  return index.nearest(name, count);
}

/** A refusal with its remedy. */
export function unknownGpuSentence(name: string): string {
  const near = nearestGpus(name).map(({ id }) => id);
  return `The GPU “${name.slice(0, 60)}” is not known; the nearest are ${orList(near)}.`;
}

/** Words that `gpusOf` takes, beside the names of architectures. */
export const GPU_FILTERS: readonly string[] = [...GPU_VENDORS, ...GPU_KINDS];

/** The GPUs of a maker, a kind or an architecture, or whose name holds the word; empty where nothing does. */
export function gpusOf(filter: string): readonly GpuRecord[] {
  const wanted = filter.trim().toLowerCase();
  const exact = ALL_GPUS.filter(
    ({ vendor, kind, architecture }) =>
      vendor === wanted || kind === wanted || architecture.toLowerCase() === wanted,
  );
  if (exact.length > 0) return exact;
  const key = gpuKey(wanted);
  return ALL_GPUS.filter((gpu) => [gpu.id, gpu.name].some((name) => gpuKey(name).includes(key)));
}
