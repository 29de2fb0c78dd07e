/** What a person asks of a model: sizes that follow from its shapes. */
import { modelBytesPerToken } from '../core/kv/layers.ts';
import { layerCount, type Architecture } from '../core/model/architecture.ts';
import {
  architectureParams,
  architectureWeightBytes,
  SERVED_WEIGHT_BITS,
  type ServedWeightFormat,
} from '../core/model/parameters.ts';

export interface ModelFacts {
  readonly id: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly parameters: number;
  /** That one token multiplies with. */
  readonly activeParameters: number;
  readonly layers: number;
  /** Kinds of layers in words: "12 full, 12 sliding, experts 4 of 32". */
  readonly attention: string;
  /** In bf16, on one GPU. */
  readonly kvBytesPerToken: number;
  readonly maxPositionTokens: number;
  readonly weightBytes: Readonly<Record<ServedWeightFormat, number>>;
  readonly source: string;
}

function attentionOf({ kinds }: Architecture): string {
  const counts = new Map<string, number>();
  for (const { layers, mixer } of kinds) counts.set(mixer.kind, (counts.get(mixer.kind) ?? 0) + layers);
  const mixers = [...counts].map(([kind, layers]) => `${layers} ${kind}`);
  const experts = kinds.flatMap(({ mlp }) => (mlp.kind === 'experts' ? [mlp] : []))[0];
  return [...mixers, ...(experts ? [`experts ${experts.activeExperts} of ${experts.experts}`] : [])].join(
    ', ',
  );
}

export function modelFacts(model: Architecture): ModelFacts {
  const { total, active } = architectureParams(model);
  const bytes = (format: ServedWeightFormat): number => architectureWeightBytes(model, format);
  const formats = Object.keys(SERVED_WEIGHT_BITS) as ServedWeightFormat[];
  return {
    id: model.id,
    name: model.name,
    aliases: model.aliases ?? [],
    parameters: total,
    activeParameters: active,
    layers: layerCount(model),
    attention: attentionOf(model),
    kvBytesPerToken: modelBytesPerToken(model, { format: 'bf16' }),
    maxPositionTokens: model.maxPositionTokens,
    weightBytes: Object.fromEntries(
      formats.map((format) => [format, bytes(format)]),
    ) as ModelFacts['weightBytes'],
    source: model.source,
  };
}
