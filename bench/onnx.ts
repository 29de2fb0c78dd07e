/**
 * A one-node ONNX model as bytes: GroupQueryAttention of the com.microsoft domain, float32, one new token a sequence.
 *
 * Just enough of the protobuf wire format for ModelProto (onnx.proto3, field numbers from github.com/onnx/onnx); the
 * bench needs a model without a Python tool chain, and nothing else here writes ONNX.
 */

type Field = readonly [number: number, value: number | string | Uint8Array];

const FLOAT = 1;
const INT32 = 6;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 127) | (rest > 127 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

function message(fields: readonly Field[]): Uint8Array {
  const bytes: number[] = [];
  for (const [number, value] of fields) {
    if (typeof value === 'number') {
      bytes.push(...varint(number * 8), ...varint(value));
    } else {
      const content = typeof value === 'string' ? new TextEncoder().encode(value) : value;
      bytes.push(...varint(number * 8 + 2), ...varint(content.length), ...content);
    }
  }
  return Uint8Array.from(bytes);
}

/** ValueInfoProto with symbolic or fixed dimensions. */
function tensor(name: string, elementType: number, dims: readonly (number | string)[]): Uint8Array {
  const shape = dims.map((dim): Field => [1, message([typeof dim === 'number' ? [1, dim] : [2, dim]])]);
  const type = message([
    [1, elementType],
    [2, message(shape)],
  ]);
  return message([
    [1, name],
    [2, message([[1, type]])],
  ]);
}

const intAttribute = (name: string, value: number): Uint8Array =>
  message([
    [1, name],
    [3, value],
    [20, 2],
  ]);

export interface GqaShape {
  readonly batch: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Tokens in the cache, the new one included. */
  readonly context: number;
}

/** ModelProto. The lengths of the past and present caches are symbolic: one model serves both uses of the cache. */
export function groupQueryAttentionModel(shape: GqaShape): Uint8Array {
  const { batch, queryHeads, kvHeads, headDim } = shape;
  const hidden = queryHeads * headDim;
  const kvHidden = kvHeads * headDim;
  const present = [batch, kvHeads, 'present_tokens', headDim];
  const past = [batch, kvHeads, 'past_tokens', headDim];
  const inputs: [string, number, (number | string)[]][] = [
    ['query', FLOAT, [batch, 1, hidden]],
    ['key', FLOAT, [batch, 1, kvHidden]],
    ['value', FLOAT, [batch, 1, kvHidden]],
    ['past_key', FLOAT, past],
    ['past_value', FLOAT, past],
    ['seqlens_k', INT32, [batch]],
    ['total_sequence_length', INT32, [1]],
  ];
  const outputs: [string, number, (number | string)[]][] = [
    ['output', FLOAT, [batch, 1, hidden]],
    ['present_key', FLOAT, present],
    ['present_value', FLOAT, present],
  ];
  const node = message([
    ...inputs.map(([name]): Field => [1, name]),
    ...outputs.map(([name]): Field => [2, name]),
    [4, 'GroupQueryAttention'],
    [5, intAttribute('num_heads', queryHeads)],
    [5, intAttribute('kv_num_heads', kvHeads)],
    [7, 'com.microsoft'],
  ]);
  const graph = message([
    [1, node],
    [2, 'attention'],
    ...inputs.map(([name, type, dims]): Field => [11, tensor(name, type, dims)]),
    ...outputs.map(([name, type, dims]): Field => [12, tensor(name, type, dims)]),
  ]);
  const opset = (domain: string, version: number): Field => [
    8,
    message([
      [1, domain],
      [2, version],
    ]),
  ];
  return message([[1, 8], opset('', 17), opset('com.microsoft', 1), [7, graph]]);
}
