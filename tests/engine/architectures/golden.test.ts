/** The reference pass of every family against logits that PyTorch computed, from config.json to the head. */
import { expect, test } from 'vitest';
import { planOf, readModelConfig } from '../../../src/engine/architectures/index.ts';
import { matricesOf, vectorsOf } from '../../../src/engine/architectures/plan.ts';
import type { ModelConfig } from '../../../src/engine/config.ts';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { forwardTwin } from '../../../src/engine/forward.twin.ts';
import { readHostWeights } from '../../../src/engine/weights/host.ts';
import { fileTensor, tensorSource, type SourceTensor } from '../../../src/engine/weights/tensor-source.ts';
import golden from '../../golden/families.json' with { type: 'json' };

/** Multiples of 2^-16 in [−1/2, 1/2), as families.py makes them. */
function formula(name: string, count: number, centre: number): Float32Array {
  let hash = 2166136261;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 16777619);
  return Float32Array.from({ length: count }, (_, i) => {
    let u = (hash ^ Math.imul(i + 1, 0x9e3779b1)) >>> 0;
    u = Math.imul(u ^ (u >>> 15), 0x85ebca6b) >>> 0;
    u ^= u >>> 13;
    return ((u >>> 16) & 0xffff) / 65536 - 0.5 + centre;
  });
}

function formulaModel(config: ModelConfig) {
  const tensors = new Map<string, SourceTensor>();
  const add = (name: string, shape: readonly number[], centre: number) => {
    const values = formula(
      name,
      shape.reduce((product, size) => product * size, 1),
      centre,
    );
    const file = memorySource(name, new Uint8Array(values.buffer));
    tensors.set(name, fileTensor({ name, shape, dtype: 'F32', file, offset: 0, order: 0 }));
  };
  const plan = planOf(config);
  for (const { parts, columns } of matricesOf(plan)) {
    for (const { tensor, rows, transposed } of parts)
      add(tensor[0], transposed ? [columns, rows] : [rows, columns], 0);
  }
  for (const { name, parts } of vectorsOf(plan)) {
    for (const { tensor, length } of parts) add(tensor[0], [length], name.endsWith('.bias') ? 0 : 1);
  }
  return tensorSource(config, tensors);
}

test.each(golden.models)('$name', async ({ config: json, logits }) => {
  const config = readModelConfig(json, 'golden');
  const rows = forwardTwin(config, await readHostWeights(formulaModel(config)), golden.ids).slice(-2);
  logits.forEach((expected, position) =>
    expected.forEach((value, i) => expect(rows[position]?.[i], `logit ${i}`).toBeCloseTo(value, 8)),
  );
});
