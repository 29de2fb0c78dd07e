/** What it costs to ask the GPU for anything: one more dispatch, one submit, one read-back. */
import type { Gpu } from '../context.ts';
import type { MeasureOptions, TimedVariant, Timer } from '../timing.ts';

const FEW = 50;
const MANY = 450;

/** Microseconds that one more dispatch takes inside a pass: the slope between 50 and 450. One value a round. */
export async function measureDispatchOverhead(
  gpu: Gpu,
  timer: Timer,
  options: MeasureOptions = {},
): Promise<readonly number[]> {
  const pipeline = await gpu.pipelines.get({ kernel: 'peak_nothing' });
  const sink = gpu.buffers.create('Overhead.sink', 16, GPUBufferUsage.STORAGE);
  try {
    const group = gpu.bindings.group(pipeline, [sink]);
    const dispatches = (count: number): TimedVariant => ({
      name: `${count} dispatches`,
      encode(pass) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let i = 0; i < count; i++) pass.dispatchWorkgroups(1);
      },
    });
    const [few, many] = await timer.measure([dispatches(FEW), dispatches(MANY)], options);
    const slopes = (many?.samplesMs ?? []).flatMap((manyMs, i) => {
      const fewMs = few?.samplesMs[i];
      return fewMs === undefined ? [] : [((manyMs - fewMs) / (MANY - FEW)) * 1000];
    });
    return slopes.filter((us) => us > 0);
  } finally {
    gpu.buffers.destroy(sink);
  }
}

/** Milliseconds from the submit of one empty dispatch until the host hears that it is done. */
export async function measureSubmitLatency(
  gpu: Gpu,
  timer: Timer,
  rounds: number,
): Promise<readonly number[]> {
  const pipeline = await gpu.pipelines.get({ kernel: 'peak_nothing' });
  const sink = gpu.buffers.create('Overhead.sink', 16, GPUBufferUsage.STORAGE);
  try {
    const group = gpu.bindings.group(pipeline, [sink]);
    const once: TimedVariant = {
      name: 'one empty dispatch',
      encode(pass) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(1);
      },
    };
    await timer.submitToDoneMs(once);
    const samples: number[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await timer.submitToDoneMs(once));
    return samples;
  } finally {
    gpu.buffers.destroy(sink);
  }
}

/** Milliseconds from the submit of a 16-byte copy until the host can read it. */
export async function measureReadback(
  gpu: Gpu,
  now: () => number,
  rounds: number,
): Promise<readonly number[]> {
  const { device, buffers } = gpu;
  const source = buffers.create('Readback.source', 16, GPUBufferUsage.COPY_SRC);
  const staging = buffers.create('Readback.staging', 16, GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ);
  const samples: number[] = [];
  try {
    for (let round = -1; round < rounds; round++) {
      const encoder = device.createCommandEncoder({ label: 'Readback.copy' });
      encoder.copyBufferToBuffer(source, 0, staging, 0, 16);
      const commands = encoder.finish();
      const started = now();
      device.queue.submit([commands]);
      await staging.mapAsync(GPUMapMode.READ);
      const tookMs = now() - started;
      staging.unmap();
      // The first one warms up.
      if (round >= 0) samples.push(tookMs);
    }
    return samples;
  } finally {
    buffers.destroy(source, staging);
  }
}
