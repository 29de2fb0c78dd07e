/** Attention outputs head by head: those of the full cache kept, those of other caches compared with them. */
import type { HeadError } from '../../core/run/quality.ts';
import type { ModelConfig } from '../../engine/config.ts';
import type { SeenAttention } from '../../engine/engine-types.ts';
import { cacheHeadDim } from '../../engine/weights-types.ts';

/** Outputs by layer, sequence and position: f32 [queryHeads][cacheHeadDim]. */
export type AttentionOutputs = Map<string, Float32Array>;

export function placeOf(layer: number, sequence: number, position: number): string {
  return `${layer}/${sequence}/${position}`;
}

/** Gathers what decode rows gave. @param sequenceOf number of a request in its task; undefined for others */
export function gather(
  outputs: AttentionOutputs,
  sequenceOf: (request: number) => number | undefined,
  firstPosition: number,
): (seen: SeenAttention) => void {
  return ({ layer, request, position, output }) => {
    const sequence = sequenceOf(request);
    if (sequence === undefined || position < firstPosition) return;
    outputs.set(placeOf(layer, sequence, position), output.slice());
  };
}

/** ‖o − ô‖ / ‖o‖ of each head over the positions of each sequence. */
export function headErrors(
  full: AttentionOutputs,
  other: AttentionOutputs,
  config: Pick<ModelConfig, 'layers' | 'queryHeads' | 'headDim'>,
  sequences: number,
): HeadError[] {
  const { layers, queryHeads } = config;
  const width = cacheHeadDim(config);
  const places = layers * queryHeads * sequences;
  const [lost, length] = [new Float64Array(places), new Float64Array(places)];
  for (const [place, output] of full) {
    const seen = other.get(place);
    if (!seen) continue;
    const [layer = 0, sequence = 0] = place.split('/').map(Number);
    for (let head = 0; head < queryHeads; head++) {
      const at = (layer * queryHeads + head) * sequences + sequence;
      for (let i = head * width; i < (head + 1) * width; i++) {
        const x = output[i] ?? 0;
        const difference = x - (seen[i] ?? 0);
        lost[at] = (lost[at] ?? 0) + difference * difference;
        length[at] = (length[at] ?? 0) + x * x;
      }
    }
  }
  return Array.from({ length: layers * queryHeads }, (_, i) => ({
    layer: Math.floor(i / queryHeads),
    head: i % queryHeads,
    errors: Array.from({ length: sequences }, (__, sequence) => {
      const at = i * sequences + sequence;
      const norm = length[at] ?? 0;
      return norm > 0 ? Math.sqrt((lost[at] ?? 0) / norm) : 0;
    }),
  }));
}
