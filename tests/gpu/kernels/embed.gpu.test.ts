import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import type { Gpu } from '../../../src/gpu/context.ts';
import { createEmbed } from '../../../src/gpu/kernels/embed.ts';
import { embedTwin } from '../../../src/gpu/kernels/embed.twin.ts';
import { WEIGHT_FORMATS } from '../../../src/gpu/kernels/linear-config.ts';
import { packLinear, unpackLinear } from '../../../src/gpu/kernels/linear-pack.ts';
import { FROM_SLOT } from '../../../src/gpu/kernels/transformer-config.ts';
import { inErrorScope, openTestGpu } from '../../support/gpu.ts';
import { runPass } from './run-pass.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({ subgroups: false, f16: false });
});

const VOCAB = 50;

describe('embed', () => {
  it.each(WEIGHT_FORMATS)('%s rows by id, by slot, and with learned positions', async (format) => {
    for (const hidden of [64, 36]) {
      for (const learnedPositions of [false, true]) {
        const random = createRandom(hidden);
        const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
        const packed = packLinear(format, VOCAB, hidden, draw(VOCAB * hidden));
        // The last id stands beyond the table, and its row is zero.
        const ids = Uint32Array.of(0, 49, FROM_SLOT + 2, 7, FROM_SLOT, VOCAB);
        const lastTokens = Uint32Array.of(31, 0, 48);
        const positions = Uint32Array.of(0, 1, 9, 3, 4, 5);
        const positionTable = draw(10 * hidden);
        const upload = (name: string, data: ArrayBufferView) => gpu.buffers.upload(`Test.${name}`, data);
        const buffers = {
          positionTable: upload('positionTable', positionTable),
          ids: upload('ids', ids),
          lastTokens: upload('lastTokens', lastTokens),
          positions: upload('positions', positions),
          output: upload('output', new Float32Array(ids.length * hidden)),
        };
        const table = {
          format,
          rows: VOCAB,
          columns: hidden,
          paddedColumns: packed.paddedColumns,
          codes: upload('codes', packed.codes),
          scales: packed.scales && upload('scales', packed.scales),
          bias: null,
        };
        const kernel = await createEmbed(gpu, { hidden, format, learnedPositions });
        const actual = await inErrorScope(gpu, async () => {
          runPass(gpu, (pass) => kernel.encode(pass, { ...buffers, table, tokens: ids.length }));
          return new Float32Array(await gpu.buffers.read(buffers.output));
        });
        const expected = embedTwin({
          table: unpackLinear(format, VOCAB, hidden, packed),
          hidden,
          ids,
          lastTokens,
          positions,
          ...(learnedPositions && { positionTable }),
        });
        expected.forEach((x, i) => expect(Math.abs((actual[i] ?? NaN) - x)).toBeLessThan(2e-6));
        gpu.buffers.destroy(...Object.values(buffers), table.codes);
        if (table.scales) gpu.buffers.destroy(table.scales);
      }
    }
  });

  it('refuses a table of another format or width', async () => {
    const kernel = await createEmbed(gpu, { hidden: 8, format: 'f32', learnedPositions: false });
    const buffer = gpu.buffers.upload('Test.buffer', new Float32Array(64));
    const table = {
      format: 'f16',
      rows: 4,
      columns: 8,
      paddedColumns: 8,
      codes: buffer,
      scales: null,
      bias: null,
    } as const;
    const args = { ids: buffer, lastTokens: buffer, positions: buffer, output: buffer, tokens: 1 };
    const pass = gpu.device.createCommandEncoder().beginComputePass();
    expect(() => kernel.encode(pass, { ...args, table })).toThrow(/f16 with 8 columns.*f32 and 8/);
    gpu.buffers.destroy(buffer);
  });
});
