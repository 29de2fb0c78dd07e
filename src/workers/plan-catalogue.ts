/** What there is to choose from, as rows of names: the page shows these and never holds the records. */
import { ALL_GPUS } from '../core/hardware/catalogue.ts';
import type { GpuRecord } from '../core/hardware/records.ts';
import { modelBytesPerToken } from '../core/kv/layers.ts';
import type { Architecture, Mixer } from '../core/model/architecture.ts';
import { ALL_MODELS } from '../core/model/catalogue.ts';
import { architectureParams } from '../core/model/parameters.ts';
import { GRIDS, type Grid } from '../plan/grid.ts';
import type { Catalogue, Choice } from './plan-api.ts';

export function catalogue(): Catalogue {
  return {
    models: ALL_MODELS.map(modelChoice),
    gpus: ALL_GPUS.map(gpuChoice).toSorted(byKind),
    grids: GRIDS.map(gridChoice),
  };
}

function gridChoice({ id, name, gramsPerKwh, source }: Grid): Choice {
  return { id, name, words: [], about: `${gramsPerKwh} g CO₂e a kWh`, more: source, group: 'grids' };
}

const billions = (parameters: number): string =>
  `${(parameters / 1e9).toFixed(parameters < 9.95e9 ? 1 : 0)} B`;

function modelChoice(model: Architecture): Choice {
  const { total, active } = architectureParams(model);
  const kv = modelBytesPerToken(model, { format: 'bf16', tensorParallel: 1 });
  const size = active < 0.95 * total ? `${billions(total)}, ${billions(active)} active` : billions(total);
  return {
    id: model.id,
    name: model.name,
    words: model.aliases ?? [],
    about: `${size} · ${(kv / 1024).toFixed(kv < 10_240 ? 1 : 0)} KiB a token`,
    more: modelMore(model),
    group: 'models',
  };
}

const MIXER_WORDS: Readonly<Record<Mixer['kind'], string>> = {
  full: 'full attention',
  sliding: 'sliding window',
  chunked: 'chunked attention',
  latent: 'latent attention',
  mamba: 'Mamba-2',
  delta: 'gated delta',
  none: 'no attention',
};

function modelMore({ kinds, maxPositionTokens }: Architecture): string {
  const layers = new Map<string, number>();
  for (const { layers: count, mixer } of kinds) {
    const words = MIXER_WORDS[mixer.kind];
    layers.set(words, (layers.get(words) ?? 0) + count);
  }
  const mixers = [...layers].map(([words, count]) => `${count} layers of ${words}`);
  return `${mixers.join(', ')}; context of ${maxPositionTokens.toLocaleString('en')} tokens`;
}

function gpuMore({ architecture, fp16MatrixTflops, tdpW, kind }: GpuRecord): string {
  return [
    `${architecture}, ${kind}`,
    ...(fp16MatrixTflops === null ? [] : [`${Math.round(fp16MatrixTflops)} TFLOP/s of bf16`]),
    ...(tdpW === null ? [] : [`${Math.round(tdpW)} W`]),
  ].join(' · ');
}

function gpuChoice(gpu: GpuRecord): Choice {
  const { id, name, aliases, vendor, architecture, kind, memoryGB, bandwidthGBps } = gpu;
  return {
    id,
    name,
    words: [...(aliases ?? []), vendor, architecture, kind],
    about: `${memoryGB} GB · ${Math.round(bandwidthGBps).toLocaleString('en')} GB/s`,
    more: gpuMore(gpu),
    group: kind,
  };
}

const KINDS = ['datacenter', 'workstation', 'desktop', 'laptop', 'integrated', 'mobile'];

/** Data centres first, and the newest of the fast ones at the head of each kind. */
function byKind(a: Choice, b: Choice): number {
  return KINDS.indexOf(a.group) - KINDS.indexOf(b.group);
}
