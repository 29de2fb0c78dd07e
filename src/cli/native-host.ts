/** Runs GPU commands on a Dawn binding: the same lab as the page's worker, in this process, no browser. */
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { basename } from 'node:path';
import { openGpu } from '../gpu/index.ts';
import { tuneOnGpu } from '../tune/index.ts';
import {
  describeEnvironment,
  measureAttention,
  ModelSession,
  NoAdapterError,
  runCheck,
  runQuality,
  runScenario,
  runServing,
  volatileTuningMemory,
  type LabHost,
} from '../lab/index.ts';
import { openDawn } from './dawn.ts';
import { CommandError } from './errors.ts';
import type { GpuHost, HostOptions, ModelOnDisk, OnProgress } from './host.ts';

export async function openNativeHost({ power, command }: HostOptions): Promise<GpuHost> {
  // Kept for as long as the host: the devices of a collected instance stop working.
  const dawn = openDawn();
  const host = labHost(dawn, { power, command });
  const tunings = volatileTuningMemory();
  const cancel = new AbortController();
  const { signal } = cancel;
  const withModel = <T>(
    model: ModelOnDisk,
    onUpdate: OnProgress,
    work: (session: ModelSession) => Promise<T>,
  ): Promise<T> => sentenced(() => runOn(model, host, { signal, onUpdate }, work));
  return {
    describe: () =>
      sentenced(async () => {
        const gpu = await host.openGpu();
        const environment = describeEnvironment(gpu, host, null);
        gpu.device.destroy();
        return environment;
      }),
    check: (onProgress) => sentenced(() => runCheck({ host, tunings, signal, onProgress })),
    run: (scenario, force, onProgress) =>
      sentenced(() =>
        runScenario(scenario, { host, tunings, signal, onProgress, force, measuredBytes: null }),
      ),
    attention: (shape) => sentenced(() => measureAttention(shape, { host, tunings, signal })),
    generate: ({ wish, ...model }, onProgress) =>
      withModel(model, onProgress, (session) =>
        session.generate(wish, { signal, onUpdate: () => undefined }),
      ),
    quality: ({ scenario, ...model }, onProgress) =>
      withModel(model, onProgress, (session) =>
        runQuality(scenario, session.lend({ signal, onUpdate: onProgress }), { textIds: null }),
      ),
    serve: ({ scenario, ...model }, onProgress) =>
      withModel(model, onProgress, (session) =>
        runServing(scenario, session.lend({ signal, onUpdate: onProgress }), { peer: NO_PEER }),
      ),
    tune: ({ scenario, resume, model }, onProgress) => {
      const tuned = (session: ModelSession | null) =>
        tuneOnGpu(scenario, {
          ...{ host, session, peer: NO_PEER, signal, resume },
          onProgress: ({ fraction, message }) => onProgress({ fraction, message }),
        });
      return model === null ? sentenced(() => tuned(null)) : withModel(model, onProgress, tuned);
    },
    png: () => Promise.resolve(null),
    cancel: () => cancel.abort(new CommandError('cancelled', 'Cancelled.')),
    close: () => Promise.resolve(),
  };
}

/** The comparison's wasm is the page's. */
const NO_PEER = 'transformers.js runs beside the engine in a browser only; leave --native out.';

/** Loads, works, unloads. */
async function runOn<T>(
  { name, paths, load }: ModelOnDisk,
  host: LabHost,
  loading: { readonly signal: AbortSignal; readonly onUpdate: OnProgress },
  work: (session: ModelSession) => Promise<T>,
): Promise<T> {
  const files = await Promise.all(
    paths.map(async (path) => ({ path: `${name}/${basename(path)}`, blob: await openAsBlob(path) })),
  );
  const session = await ModelSession.load(host, { kind: 'files', files }, load, loading);
  try {
    return await work(session);
  } finally {
    session.unload();
  }
}

function labHost(dawn: GPU, { power, command }: Pick<HostOptions, 'power' | 'command'>): LabHost {
  return {
    facts: {
      appVersion: __APP_VERSION__,
      runtime: `Dawn in Node ${process.version}`,
      os: `${type()} ${release()}`,
      hostMemoryBytes: totalmem(),
      logicalCores: cpus().length,
    },
    power,
    now: () => performance.now(),
    date: () => new Date().toISOString(),
    newId: () => randomUUID(),
    openGpu: async (options) => {
      const adapter = await dawn.requestAdapter({ powerPreference: power });
      if (!adapter) throw new NoAdapterError();
      return openGpu(adapter, options);
    },
    command,
  };
}

/** The lab's faults are sentences with a code; what has none is a mistake of ours and keeps its stack. */
async function sentenced<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error) || !('code' in error)) throw error;
    throw new CommandError(String(error.code), error.message);
  }
}
