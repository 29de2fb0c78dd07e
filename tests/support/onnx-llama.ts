/**
 * A Llama-shaped model as an ONNX file, with the inputs and outputs that Hugging Face's exporter gives it: for tests that
 * run @huggingface/transformers on the very weights whose golden tokens are known. The library fills `batch_size` of a
 * cache's shape and takes every other symbol for an empty one.
 *
 * Field numbers: github.com/onnx/onnx `onnx.proto3`. Attention is one GroupQueryAttention node (com.microsoft), with its
 * rotary embedding inside; norms are SimplifiedLayerNormalization. No biases, half-split RoPE, tied or untied head.
 */
import { message, type Field } from './protobuf.ts';

export interface OnnxLlamaShape {
  readonly layers: number;
  readonly hidden: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocab: number;
  readonly maxPositions: number;
  readonly theta: number;
  readonly epsilon: number;
}

/** A tensor as Hugging Face names it: f32, row-major. */
export type ReadTensor = (name: string) => {
  readonly shape: readonly number[];
  readonly values: Float32Array;
};

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
type Dims = readonly (number | string)[];

/** ModelProto. */
export function onnxLlama(shape: OnnxLlamaShape, read: ReadTensor): Uint8Array {
  const graph = new Graph();
  const { hidden, kvHeads, headDim, layers, vocab } = shape;

  graph.input('input_ids', INT64, ['batch_size', 'sequence_length']);
  graph.input('attention_mask', INT64, ['batch_size', 'total_sequence_length']);
  graph.input('position_ids', INT64, ['batch_size', 'sequence_length']);
  graph.output('logits', FLOAT, ['batch_size', 'sequence_length', vocab]);
  addLengths(graph);
  addRotary(graph, shape);

  const embedding = read('model.embed_tokens.weight');
  graph.weight('embedding', embedding.shape, embedding.values);
  graph.node('Gather', ['embedding', 'input_ids'], ['h0']);
  for (let layer = 0; layer < layers; layer++) {
    for (const part of ['key', 'value']) {
      graph.input(`past_key_values.${layer}.${part}`, FLOAT, [
        'batch_size',
        kvHeads,
        'past_sequence_length',
        headDim,
      ]);
      graph.output(`present.${layer}.${part}`, FLOAT, [
        'batch_size',
        kvHeads,
        'total_sequence_length',
        headDim,
      ]);
    }
    addLayer(graph, shape, read, layer);
  }
  addNorm(graph, shape, `h${layers}`, 'last', read('model.norm.weight').values);
  addLinear(graph, 'last', 'logits', read('lm_head.weight'), hidden);
  return graph.model();
}

/** What GroupQueryAttention wants to know: tokens of each sequence − 1, and of the longest. */
function addLengths(graph: Graph): void {
  graph.constant('one', INT64, [1], 1n);
  graph.constant('axis', INT64, [1], 1n);
  graph.constant('second', INT64, [], 1n);
  graph.node('ReduceSum', ['attention_mask', 'axis'], ['counts'], [intAttribute('keepdims', 0)]);
  graph.node('Sub', ['counts', 'one'], ['counts_less_one']);
  graph.node('Cast', ['counts_less_one'], ['seqlens_k'], [intAttribute('to', INT32)]);
  graph.node('Shape', ['attention_mask'], ['mask_shape']);
  graph.node('Gather', ['mask_shape', 'second'], ['total_64'], [intAttribute('axis', 0)]);
  graph.node('Cast', ['total_64'], ['total'], [intAttribute('to', INT32)]);
}

/** cos and sin [positions][headDim / 2] */
function addRotary(graph: Graph, { headDim, maxPositions, theta }: OnnxLlamaShape): void {
  const half = headDim / 2;
  const angle = (i: number): number => Math.floor(i / half) * theta ** (-(i % half) / half);
  const table = (of: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: maxPositions * half }, (_, i) => of(angle(i)));
  graph.weight('cos', [maxPositions, half], table(Math.cos));
  graph.weight('sin', [maxPositions, half], table(Math.sin));
}

function addLayer(graph: Graph, shape: OnnxLlamaShape, read: ReadTensor, layer: number): void {
  const { hidden, queryHeads, kvHeads, headDim } = shape;
  const prefix = `model.layers.${layer}`;
  const at = (name: string): string => `${name}${layer}`;
  const linear = (from: string, to: string, part: string, inputs: number): void =>
    addLinear(graph, at(from), at(to), read(`${prefix}.${part}.weight`), inputs);

  addNorm(graph, shape, at('h'), at('normed'), read(`${prefix}.input_layernorm.weight`).values);
  for (const part of ['q', 'k', 'v']) linear('normed', part, `self_attn.${part}_proj`, hidden);
  graph.node(
    'GroupQueryAttention',
    [
      ...[at('q'), at('k'), at('v')],
      ...[`past_key_values.${layer}.key`, `past_key_values.${layer}.value`],
      ...['seqlens_k', 'total', 'cos', 'sin'],
    ],
    [at('attended'), `present.${layer}.key`, `present.${layer}.value`],
    [
      intAttribute('num_heads', queryHeads),
      intAttribute('kv_num_heads', kvHeads),
      intAttribute('do_rotary', 1),
    ],
    'com.microsoft',
  );
  linear('attended', 'projected', 'self_attn.o_proj', queryHeads * headDim);
  graph.node('Add', [at('h'), at('projected')], [at('middle')]);
  addNorm(
    graph,
    shape,
    at('middle'),
    at('normed_again'),
    read(`${prefix}.post_attention_layernorm.weight`).values,
  );
  linear('normed_again', 'gate', 'mlp.gate_proj', hidden);
  linear('normed_again', 'up', 'mlp.up_proj', hidden);
  graph.node('Sigmoid', [at('gate')], [at('sigmoid')]);
  graph.node('Mul', [at('gate'), at('sigmoid')], [at('silu')]);
  graph.node('Mul', [at('silu'), at('up')], [at('gated')]);
  linear('gated', 'down', 'mlp.down_proj', read(`${prefix}.mlp.down_proj.weight`).shape[1] ?? 0);
  graph.node('Add', [at('middle'), at('down')], [`h${layer + 1}`]);
}

function addNorm(
  graph: Graph,
  { hidden, epsilon }: OnnxLlamaShape,
  from: string,
  to: string,
  weight: Float32Array,
): void {
  graph.weight(`${to}.weight`, [hidden], weight);
  const attributes = [intAttribute('axis', -1), floatAttribute('epsilon', epsilon)];
  graph.node('SimplifiedLayerNormalization', [from, `${to}.weight`], [to], attributes);
}

/** y = x · Wᵀ: ONNX multiplies with [inputs][outputs]. */
function addLinear(
  graph: Graph,
  from: string,
  to: string,
  weight: ReturnType<ReadTensor>,
  inputs: number,
): void {
  const outputs = weight.values.length / inputs;
  const turned = new Float32Array(weight.values.length);
  for (let row = 0; row < outputs; row++) {
    for (let column = 0; column < inputs; column++) {
      turned[column * outputs + row] = weight.values[row * inputs + column] ?? NaN;
    }
  }
  graph.weight(`${to}.weight`, [inputs, outputs], turned);
  graph.node('MatMul', [from, `${to}.weight`], [to]);
}

/** Protobuf writes a negative int64 as ten bytes; −1 is the only one that is needed. */
const MINUS_ONE = Uint8Array.from([...new Array<number>(9).fill(255), 1]);

function intAttribute(name: string, value: number): Uint8Array {
  const head = message([[1, name]]);
  const kind = message([[20, 2]]);
  const number = value === -1 ? Uint8Array.from([3 * 8, ...MINUS_ONE]) : message([[3, value]]);
  return Uint8Array.from([...head, ...number, ...kind]);
}

function floatAttribute(name: string, value: number): Uint8Array {
  const number = Uint8Array.from([2 * 8 + 5, ...new Uint8Array(Float32Array.of(value).buffer)]);
  return Uint8Array.from([...message([[1, name]]), ...number, ...message([[20, 1]])]);
}

class Graph {
  readonly #nodes: Uint8Array[] = [];
  readonly #weights: Uint8Array[] = [];
  readonly #inputs: Uint8Array[] = [];
  readonly #outputs: Uint8Array[] = [];

  input(name: string, type: number, dims: Dims): void {
    this.#inputs.push(valueInfo(name, type, dims));
  }

  output(name: string, type: number, dims: Dims): void {
    this.#outputs.push(valueInfo(name, type, dims));
  }

  weight(name: string, dims: readonly number[], values: Float32Array): void {
    this.#tensor(name, FLOAT, dims, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  constant(name: string, type: number, dims: readonly number[], value: bigint): void {
    this.#tensor(name, type, dims, new Uint8Array(BigInt64Array.of(value).buffer));
  }

  node(kind: string, inputs: string[], outputs: string[], attributes: Uint8Array[] = [], domain = ''): void {
    const fields: Field[] = [
      ...inputs.map((name): Field => [1, name]),
      ...outputs.map((name): Field => [2, name]),
      [3, `${kind} ${outputs[0]}`],
      [4, kind],
      [5, attributes],
      [7, domain],
    ];
    this.#nodes.push(message(fields));
  }

  model(): Uint8Array {
    const graph = message([
      [1, this.#nodes],
      [2, 'llama'],
      [5, this.#weights],
      [11, this.#inputs],
      [12, this.#outputs],
    ]);
    const opset = (domain: string, version: number): Uint8Array =>
      message([
        [1, domain],
        [2, version],
      ]);
    return message([
      [1, 8],
      [7, graph],
      [8, [opset('', 17), opset('com.microsoft', 1)]],
    ]);
  }

  #tensor(name: string, type: number, dims: readonly number[], bytes: Uint8Array): void {
    this.#weights.push(message([...dims.map((dim): Field => [1, dim]), [2, type], [8, name], [9, bytes]]));
  }
}

function valueInfo(name: string, elementType: number, dims: Dims): Uint8Array {
  const shape = dims.map((dim) => message([[1, message([typeof dim === 'number' ? [1, dim] : [2, dim]])]]));
  const tensor = message([
    [1, elementType],
    [2, shape.length === 0 ? new Uint8Array() : joined(shape)],
  ]);
  return message([
    [1, name],
    [2, message([[1, tensor]])],
  ]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
