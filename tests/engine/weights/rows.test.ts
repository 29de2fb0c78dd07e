/** Stored blocks that become words without being decoded are the same weights. */
import { expect, test } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { quantizeGgmlBlock } from '../../../src/core/kv/ggml.ts';
import { f16Bits } from '../../../src/core/kv/small-float.ts';
import { memorySource } from '../../../src/engine/files/byte-source.ts';
import { decodeValues, type TensorType } from '../../../src/engine/weights/dtype.ts';
import type { MatrixLayout } from '../../../src/engine/weights/layout.ts';
import { directRows } from '../../../src/engine/weights/rows.ts';
import { fileTensor } from '../../../src/engine/weights/tensor-source.ts';
import type { WeightFormat } from '../../../src/gpu/kernels/linear-config.ts';
import { unpackLinear } from '../../../src/gpu/kernels/linear-pack.ts';
import { joined } from '../../support/model-files.ts';

const [ROWS, COLUMNS] = [3, 64];

function layout(format: WeightFormat): MatrixLayout {
  const sizes = { rows: ROWS, sourceColumns: COLUMNS, columns: COLUMNS, paddedColumns: COLUMNS };
  return { name: 'm', format, ...sizes, heads: null, codeBytes: 0, scaleBytes: 0, pieces: [], bias: null };
}

function stored(dtype: TensorType, bytes: Uint8Array) {
  const file = memorySource('file', bytes);
  return fileTensor({ name: 'm', shape: [ROWS, COLUMNS], dtype, file, offset: 0, order: 0 });
}

const random = createRandom(21);
const values = Float32Array.from({ length: ROWS * COLUMNS }, () => random.normal());
const blocksOf = (type: 'q8_0' | 'q4_0') =>
  joined(
    Array.from({ length: values.length / 32 }, (_, i) =>
      quantizeGgmlBlock(type, values.slice(32 * i, 32 * i + 32)),
    ),
  );
const halves = new Uint8Array(Uint16Array.from(values, f16Bits).buffer);

test.each([
  { dtype: 'F16', format: 'f16', bytes: halves },
  { dtype: 'Q8_0', format: 'int8', bytes: blocksOf('q8_0') },
  { dtype: 'Q4_0', format: 'int4', bytes: blocksOf('q4_0') },
] as const)('$dtype as $format', ({ dtype, format, bytes }) => {
  const tensor = stored(dtype, bytes);
  const words = directRows(layout(format), tensor)?.(tensor, bytes, 0);
  if (!words) throw new Error('they were decoded');
  const back = unpackLinear(format, ROWS, COLUMNS, { ...words, paddedColumns: COLUMNS });
  expect([...back].map((x) => x + 0)).toEqual(
    [...decodeValues(dtype, bytes, values.length)].map((x) => x + 0),
  );
});

test.each([0, 1])('a half that is not finite is named, first or second of its word: %i', (place) => {
  const bytes = halves.slice();
  new DataView(bytes.buffer).setUint16(2 * (10 + place), 0xfc00, true);
  const tensor = stored('F16', bytes);
  const read = () => directRows(layout('f16'), tensor)?.(tensor, bytes, 100);
  expect(read).toThrow(`Tensor m holds -Infinity at element ${110 + place}`);
});

test('halves that lie at an odd place are read as well', () => {
  const bytes = joined([Uint8Array.of(0), halves]).subarray(1);
  const tensor = stored('F16', bytes);
  expect(directRows(layout('f16'), tensor)?.(tensor, bytes, 0).codes).toEqual(new Uint32Array(halves.buffer));
});

test('blocks with a scale that is not finite are refused', () => {
  const bytes = blocksOf('q8_0');
  new DataView(bytes.buffer).setUint16(34, 0x7c00, true);
  const tensor = stored('Q8_0', bytes);
  expect(() => directRows(layout('int8'), tensor)?.(tensor, bytes, 0)).toThrow(
    'Tensor m holds Infinity at element 32',
  );
});

test('padded heads and other formats are decoded', () => {
  const tensor = stored('Q8_0', blocksOf('q8_0'));
  expect(directRows(layout('int4'), tensor)).toBeNull();
  expect(directRows({ ...layout('int8'), heads: { from: 8, to: 16 } }, tensor)).toBeNull();
});
