/** onnxruntime-web beside ours: the same keys and values, submit to done, rounds interleaved. */
import { median } from '../src/core/metrics/percentiles.ts';
import type { Gpu } from '../src/gpu/context.ts';
import { createAppend } from '../src/gpu/kernels/append.ts';
import type { TimedVariant, Timer } from '../src/gpu/timing.ts';
import type { BenchCase } from './cases.ts';
import { OrtAttention, type CacheUse } from './ort-attention.ts';
import { inPass, type Contender, type Inputs, type Pools } from './problem.ts';
import type { PeerRow } from './report.ts';
import { medianRatio } from './suite.ts';

const WASM_FOLDER = '/node_modules/onnxruntime-web/dist/';

export async function runPeers(
  gpu: Gpu,
  timer: Timer,
  shape: BenchCase,
  inputs: Inputs,
  pools: Pools,
  ours: Contender,
  rounds: number,
): Promise<PeerRow[]> {
  const call = await appendAndAttend(gpu, shape, inputs, pools, ours);
  const rows: PeerRow[] = [];
  for (const cache of ['shared', 'separate'] as const) {
    rows.push(await onePeer(gpu, timer, shape, inputs, call, cache, rounds));
  }
  return rows;
}

async function onePeer(
  gpu: Gpu,
  timer: Timer,
  shape: BenchCase,
  inputs: Inputs,
  ours: TimedVariant,
  cache: CacheUse,
  rounds: number,
): Promise<PeerRow> {
  const peer = await OrtAttention.create(shape, await peerInputs(gpu, shape, inputs), WASM_FOLDER, cache);
  try {
    // Warm-up: the peer compiles in its first call.
    await peer.time();
    await timer.submitToDoneMs(ours);
    const peerMs: number[] = [];
    const oursMs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      oursMs.push(await timer.submitToDoneMs(ours));
      peerMs.push(await peer.time());
    }
    const theirs = await peer.output();
    await inPass(gpu, (pass) => ours.encode(pass, 0));
    const output = new Float32Array(await gpu.buffers.read(inputs.output));
    return {
      cache,
      medianMs: median(peerMs),
      oursMs: median(oursMs),
      ratio: medianRatio(peerMs, oursMs),
      maxAbsDifference: output.reduce(
        (most, value, i) => Math.max(most, Math.abs(value - (theirs[i] ?? Infinity))),
        0,
      ),
    };
  } finally {
    await peer.release();
  }
}

/** The peer's operator appends the newest token as well, so ours does too. */
async function appendAndAttend(
  gpu: Gpu,
  shape: BenchCase,
  inputs: Inputs,
  pools: Pools,
  ours: Contender,
): Promise<TimedVariant> {
  const { batch, kvHeads, headDim, context, blockSize } = shape;
  const append = await createAppend(gpu, { ...shape, format: pools.format });
  const rowBytes = kvHeads * headDim * 4;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const newest = (rows: GPUBuffer): GPUBuffer => {
    const buffer = gpu.buffers.create('Bench.newest', batch * rowBytes, usage);
    const encoder = gpu.device.createCommandEncoder();
    for (let sequence = 0; sequence < batch; sequence++) {
      const last = ((sequence + 1) * context - 1) * rowBytes;
      encoder.copyBufferToBuffer(rows, last, buffer, sequence * rowBytes, rowBytes);
    }
    gpu.device.queue.submit([encoder.finish()]);
    return buffer;
  };
  const slots = Int32Array.from({ length: batch }, (_, sequence) => {
    const block = pools.table[sequence * pools.tableStride + Math.floor((context - 1) / blockSize)] ?? 0;
    return block * blockSize + ((context - 1) % blockSize);
  });
  const [pool] = pools.copies;
  if (!pool) throw new Error('A case has no pool.');
  const args = {
    key: newest(inputs.keys),
    value: newest(inputs.values),
    pool,
    slots: gpu.buffers.upload('Bench.slots', slots),
    tokens: batch,
  };
  return {
    name: 'append and attention',
    encode: (pass, call) => {
      append.encode(pass, args);
      ours.encode(pass, call);
    },
  };
}

async function peerInputs(gpu: Gpu, shape: BenchCase, inputs: Inputs) {
  const read = async (buffer: GPUBuffer) => new Float32Array(await gpu.buffers.read(buffer));
  return {
    query: await read(inputs.query),
    keys: headsFirst(await read(inputs.keys), shape),
    values: headsFirst(await read(inputs.values), shape),
  };
}

/** [batch][context][kvHeads][headDim] to [batch][kvHeads][context][headDim], as the peer keeps its cache. */
function headsFirst(rows: Float32Array, { batch, context, kvHeads, headDim }: BenchCase): Float32Array {
  const out = new Float32Array(rows.length);
  for (let b = 0; b < batch; b++) {
    for (let token = 0; token < context; token++) {
      for (let head = 0; head < kvHeads; head++) {
        const from = ((b * context + token) * kvHeads + head) * headDim;
        out.set(rows.subarray(from, from + headDim), ((b * kvHeads + head) * context + token) * headDim);
      }
    }
  }
  return out;
}
