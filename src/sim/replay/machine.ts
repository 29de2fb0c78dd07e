/** Which model on which GPU a recorded run was: names in meta.json and config.json against the records of core. */
import * as v from 'valibot';
import { GPUS, matchGpu, type GpuRecord } from '../../core/hardware/records.ts';
import { findArchitecture, type Architecture } from '../../core/model/architecture.ts';
import { allReduceOf, type AllReduce } from '../cost/comm.ts';
import { RecordedError } from './recorded.ts';

/** What casys-kaist/LLMServingSim's cluster file says of the machine; every field may be missing. */
const Cluster = v.object({
  link_bw: v.nullish(v.number()),
  link_latency: v.nullish(v.number()),
  nodes: v.nullish(
    v.array(
      v.object({
        instances: v.nullish(
          v.array(
            v.object({
              hardware: v.nullish(v.string()),
              npu_mem: v.nullish(
                v.object({ mem_size: v.nullish(v.number()), mem_bw: v.nullish(v.number()) }),
              ),
            }),
          ),
        ),
      }),
    ),
  ),
});

/** The shape as a Hugging Face config.json has it. */
const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(10_000_000));
const Shape = v.object({
  num_hidden_layers: count,
  hidden_size: count,
  num_attention_heads: count,
  num_key_value_heads: v.nullish(count),
  head_dim: v.nullish(count),
  intermediate_size: count,
  vocab_size: count,
  max_position_embeddings: v.nullish(count),
  tie_word_embeddings: v.nullish(v.boolean()),
  model_type: v.nullish(v.string()),
  num_experts: v.nullish(count),
  num_local_experts: v.nullish(count),
  num_experts_per_tok: v.nullish(count),
  moe_intermediate_size: v.nullish(count),
});

export interface MachineDescription {
  /** Of config.json, where it holds a model's shape. */
  readonly model: Architecture | null;
  readonly gpu: string | null;
  readonly memoryBytes: number | null;
  readonly bandwidthGBps: number | null;
  /** Between GPUs; null: not told. */
  readonly link: { readonly bytesPerSecond: number; readonly hopSeconds: number } | null;
}

const NOTHING: MachineDescription = {
  model: null,
  gpu: null,
  memoryBytes: null,
  bandwidthGBps: null,
  link: null,
};

/** @param document config.json, or undefined without one. @throws RecordedError when it is neither of the two known */
export function describeMachine(document: unknown, modelName: string): MachineDescription {
  if (document === undefined) return NOTHING;
  const shape = v.safeParse(Shape, document);
  if (shape.success) return { ...NOTHING, model: architectureFrom(modelName, shape.output) };
  const cluster = v.safeParse(Cluster, document);
  if (!cluster.success) {
    const [issue] = cluster.issues;
    throw new RecordedError(`config.json: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`);
  }
  const { link_bw: bandwidth, link_latency: latencyNs, nodes } = cluster.output;
  const instance = nodes?.[0]?.instances?.[0];
  return {
    model: null,
    gpu: instance?.hardware ?? null,
    // Their GB are GiB: with them the memory of a recorded RTX 4090 gives its 2,588 blocks.
    memoryBytes: instance?.npu_mem?.mem_size ? instance.npu_mem.mem_size * 2 ** 30 : null,
    bandwidthGBps: instance?.npu_mem?.mem_bw ?? null,
    link: bandwidth ? { bytesPerSecond: bandwidth * 1e9, hopSeconds: (latencyNs ?? 0) * 1e-9 } : null,
  };
}

/**
 * All-reduces of `ranks` GPUs: as measured on this GPU, else as the machine's link is described, else as assumed for it.
 * A description stands behind a measurement because it tells what a simulator was given, fitted values among it.
 */
export function allReduceBetween(
  ranks: number,
  { link }: MachineDescription,
  gpu: GpuRecord | undefined,
): AllReduce {
  const known = gpu ? allReduceOf(gpu, Math.max(2, ranks)) : null;
  if (known?.measured) return known;
  // A ring passes every part on 2(n − 1) times, each time over the link's latency.
  if (link) {
    return { latencySeconds: 2 * (ranks - 1) * link.hopSeconds, busBytesPerSecond: link.bytesPerSecond };
  }
  return known ?? { latencySeconds: 0, busBytesPerSecond: Infinity };
}

function architectureFrom(name: string, shape: v.InferOutput<typeof Shape>): Architecture {
  const { hidden_size: hidden, num_attention_heads: queryHeads } = shape;
  const dim = shape.head_dim ?? Math.floor(hidden / queryHeads);
  const experts = shape.num_experts ?? shape.num_local_experts ?? null;
  const kvHeads = shape.num_key_value_heads ?? queryHeads;
  const width = shape.intermediate_size;
  return {
    id: 'config',
    name: lastPart(name),
    hidden,
    vocab: shape.vocab_size,
    maxPositionTokens: shape.max_position_embeddings ?? 1_048_576,
    tiedEmbeddings: shape.tie_word_embeddings ?? false,
    qkNorm: (shape.model_type ?? '').startsWith('qwen3'),
    kinds: [
      {
        layers: shape.num_hidden_layers,
        mixer: { kind: 'full', queryHeads, kvHeads, keyDim: dim, valueDim: dim },
        mlp:
          experts === null
            ? { kind: 'gated', intermediate: width }
            : {
                kind: 'experts',
                experts,
                activeExperts: Math.min(shape.num_experts_per_tok ?? 1, experts),
                intermediate: shape.moe_intermediate_size ?? width,
                sharedIntermediate: 0,
              },
      },
    ],
    source: 'config.json of the recorded run',
  };
}

function lastPart(name: string): string {
  return name.split('/').at(-1) ?? name;
}

/** The recorded model. @throws RecordedError when neither the records nor config.json have it */
export function modelOf(name: string, described: MachineDescription): Architecture {
  const model = described.model ?? findArchitecture(name) ?? findArchitecture(lastPart(name)) ?? null;
  if (model) return model;
  throw new RecordedError(
    `The shape of ${name.slice(0, 80)} is not known; put the model's config.json into the recorded folder.`,
  );
}

function compact(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The record of a GPU by any of its names; between editions of one name the bandwidth decides. */
export function gpuOf(
  names: readonly (string | null | undefined)[],
  bandwidthGBps: number | null,
): GpuRecord | undefined {
  for (const name of names) {
    if (!name) continue;
    const exact = matchGpu({
      vendor: '',
      architecture: '',
      device: '',
      description: name,
      isFallback: false,
    });
    if (exact) return exact;
    const like = GPUS.filter((gpu) => compact(gpu.name).includes(compact(name)));
    const distance = (gpu: GpuRecord): number => Math.abs(gpu.bandwidthGBps - (bandwidthGBps ?? 0));
    const [nearest] = like.sort((a, b) => distance(a) - distance(b));
    if (nearest) return nearest;
  }
  return undefined;
}
