/** What the bench times: shapes, formats and who takes part. */
import type { KvFormat } from '../src/core/kv/formats.ts';

export interface BenchCase {
  readonly name: string;
  readonly batch: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Tokens of every sequence. */
  readonly context: number;
  readonly blockSize: number;
  /** The first is what the others are compared with. */
  readonly formats: readonly KvFormat[];
  /** Whether onnxruntime-web runs beside (browser only, f32 only). */
  readonly peer: boolean;
}

const LLAMA_HEADS = { queryHeads: 32, kvHeads: 8, blockSize: 16 } as const;

const SMALL: readonly BenchCase[] = [
  {
    ...LLAMA_HEADS,
    name: 'batch 1, head dim 64, context 2048',
    batch: 1,
    headDim: 64,
    context: 2048,
    formats: ['f32', 'f16', 'int8', 'int4', 'int2'],
    peer: true,
  },
  {
    ...LLAMA_HEADS,
    name: 'batch 8, head dim 128, context 512',
    batch: 8,
    headDim: 128,
    context: 512,
    formats: ['f32', 'f16', 'int8', 'int4', 'int2'],
    peer: true,
  },
];

const LARGE: readonly BenchCase[] = [
  {
    ...LLAMA_HEADS,
    name: 'batch 32, head dim 128, context 4096',
    batch: 32,
    headDim: 128,
    context: 4096,
    formats: ['f16', 'fp8-e4m3', 'int8', 'int4', 'int2'],
    peer: false,
  },
];

const FULL: readonly BenchCase[] = [
  {
    ...LLAMA_HEADS,
    name: 'batch 16, head dim 64, context 1024',
    batch: 16,
    headDim: 64,
    context: 1024,
    formats: ['f32', 'f16', 'fp8-e4m3', 'fp8-e5m2', 'int8', 'int4', 'int2'],
    peer: false,
  },
  {
    name: 'batch 4, 32 KV heads (no GQA), head dim 80, context 1024',
    batch: 4,
    queryHeads: 32,
    kvHeads: 32,
    headDim: 80,
    blockSize: 16,
    context: 1024,
    formats: ['f32', 'f16', 'int8', 'int4', 'int2'],
    peer: false,
  },
  {
    name: 'batch 4, 8 query heads a KV head, head dim 96, context 1024',
    batch: 4,
    queryHeads: 32,
    kvHeads: 4,
    headDim: 96,
    blockSize: 32,
    context: 1024,
    formats: ['f32', 'f16', 'int8', 'int4', 'int2'],
    peer: false,
  },
  {
    name: 'batch 4, head dim 256, context 1024',
    batch: 4,
    queryHeads: 16,
    kvHeads: 4,
    headDim: 256,
    blockSize: 16,
    context: 1024,
    formats: ['f32', 'f16', 'int8', 'int4', 'int2'],
    peer: false,
  },
];

/** A software adapter reads about 2 GB/s; what fills a real GPU would take it minutes. */
export function benchCases(isFallback: boolean, full: boolean): readonly BenchCase[] {
  const quick = isFallback ? SMALL : [...LARGE, ...SMALL];
  return full ? [...quick, ...FULL] : quick;
}
