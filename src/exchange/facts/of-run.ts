/** The facts of a run: one reader a kind. A kind without requests has none, and one sentence that says so. */
import type { Read } from '../../core/json.ts';
import { modelBytesPerToken } from '../../core/kv/layers.ts';
import { summarizeLoad } from '../../core/metrics/load/summary.ts';
import { servedRepetition, shapeOf } from '../../core/metrics/serving/served.ts';
import { summarizeRun, type Distribution } from '../../core/metrics/summarize.ts';
import { findArchitecture } from '../../core/model/architecture.ts';
import type { AutopilotSide } from '../../core/run/autopilot.ts';
import { adapterName } from '../../core/run/adapter-name.ts';
import type { Telemetry } from '../../core/run/load.ts';
import type { MeasuredDistribution } from '../../core/run/measured.ts';
import type { Environment, Run } from '../../core/run/schema.ts';
import type { SimRepetition } from '../../core/run/simulation.ts';
import { SIM_KV_FORMATS, type SimScenario } from '../../core/scenario/simulate/schema.ts';
import { FACT_KINDS } from '../write/format-names.ts';
import {
  meanOf,
  NO_DISTRIBUTION,
  NO_FACT,
  NO_TIMES,
  settingsWords,
  sumOf,
  summaryFigures,
  type FactDistribution,
  type FactHardware,
  type RunFact,
} from './fact.ts';

type Reader<Kind extends Run['kind']> = (run: Extract<Run, { readonly kind: Kind }>) => RunFact[];

/** What the arrivals of a workload set: a rate, or requests in flight. */
function offered(
  arrivals: SimScenario['workload']['arrivals'],
): Pick<RunFact, 'requestRate' | 'concurrency'> {
  if (arrivals.kind === 'closed') return { requestRate: null, concurrency: arrivals.users };
  return { requestRate: 'rate' in arrivals ? arrivals.rate : null, concurrency: null };
}

/** A swept setting stands over the scenario's. */
function setTo(settings: RunFact['settings'], path: string, otherwise: number | null): number | null {
  const value = settings[path];
  return typeof value === 'number' ? value : otherwise;
}

function swept(
  { requestRate, concurrency }: Pick<RunFact, 'requestRate' | 'concurrency'>,
  settings: RunFact['settings'],
): Pick<RunFact, 'requestRate' | 'concurrency'> {
  return {
    requestRate: setTo(settings, 'workload.arrivals.rate', requestRate),
    concurrency: setTo(settings, 'workload.arrivals.users', concurrency),
  };
}

function simHardware({ hardware, cluster }: SimScenario): FactHardware {
  const { gpu, tensorParallel, pipelineParallel } = hardware;
  const { replicas, disaggregation } = cluster;
  const count =
    disaggregation === null ? replicas : disaggregation.prefillReplicas + disaggregation.decodeReplicas;
  return {
    gpu,
    gpus: tensorParallel * pipelineParallel * count,
    replicas: count,
    tensorParallel,
    pipelineParallel,
  };
}

/** Bytes of KV of all replicas: the budget, and of it what was in use on the average; nothing for a model without a record. */
function simBytes(
  scenario: SimScenario,
  settings: RunFact['settings'],
  { summary }: SimRepetition,
): Partial<RunFact> {
  const named = settings['model'];
  const architecture = findArchitecture(typeof named === 'string' ? named : scenario.model);
  const swept = settings['engine.kvFormat'];
  const format = SIM_KV_FORMATS.find((known) => known === swept) ?? scenario.engine.kvFormat;
  if (architecture === undefined) return {};
  const blockSize = setTo(settings, 'engine.blockSize', scenario.engine.blockSize) ?? 0;
  return bytesOf(summary, blockSize * modelBytesPerToken(architecture, { format }));
}

function bytesOf({ kvBlocks, meanKvBlocks }: SimRepetition['summary'], blockBytes: number): Partial<RunFact> {
  if (kvBlocks <= 0 || blockBytes <= 0) return {};
  return { kvBytes: meanKvBlocks * blockBytes, kvBudgetBytes: kvBlocks * blockBytes };
}

/** What the columns of a repetition add to its summary. */
function columnFigures({ series, requests, summary }: SimRepetition): Partial<RunFact> {
  const whole = requests.total === requests.promptTokens.length;
  return {
    promptTokens: whole ? meanOf(requests.promptTokens) : null,
    outputTokens: whole ? meanOf(requests.outputTokens) : null,
    lookedUpTokens: summary.prefixHitRatio === null ? null : sumOf(series.lookedUpTokens),
    hitTokens: summary.prefixHitRatio === null ? null : sumOf(series.hitTokens),
  };
}

const simFacts: Reader<'simulate'> = (run) =>
  run.points.flatMap(({ settings, repetitions }, point) =>
    repetitions.map((found, repetition) => ({
      ...NO_FACT,
      point,
      repetition,
      label: settingsWords(settings, point),
      settings,
      origin: 'simulated' as const,
      model: run.scenario.model,
      engine: { name: 'KV Lab simulator', version: run.appVersion },
      hardware: simHardware(run.scenario),
      ...swept(offered(run.scenario.workload.arrivals), settings),
      ...summaryFigures(found.summary),
      ...columnFigures(found),
      ...simBytes(run.scenario, settings, found),
    })),
  );

const serveFacts: Reader<'serve'> = (run) =>
  run.points.flatMap((point, index) =>
    point.repetitions.map(({ measured }, repetition) => {
      const found = servedRepetition(measured, shapeOf(point, run.scenario));
      return {
        ...NO_FACT,
        point: index,
        repetition,
        label: settingsWords(point.settings, index),
        settings: point.settings,
        model: run.model,
        engine: { name: point.engine, version: run.environment.appVersion },
        hardware: ownGpu(run.environment),
        ...swept(offered(run.scenario.workload.arrivals), point.settings),
        ...summaryFigures(found.summary),
        ...columnFigures(found),
        ...bytesOf(found.summary, (point.blockSize ?? 0) * (point.kvBytesPerToken ?? 0)),
      };
    }),
  );

function ownGpu(environment: Environment): FactHardware {
  return {
    gpu: adapterName(environment.adapter),
    gpus: 1,
    replicas: 1,
    tensorParallel: 1,
    pipelineParallel: 1,
  };
}

const loadFacts: Reader<'load'> = (run) =>
  run.points.flatMap(({ settings, label, repetitions }, point) =>
    repetitions.map(({ measured }, repetition) => {
      const { summary, failed, tokens } = summarizeLoad(measured, run.scenario.objectives);
      return {
        ...NO_FACT,
        point,
        repetition,
        label,
        settings,
        model: run.model,
        engine: { name: run.server.kind, version: run.server.version },
        ...swept(offered(run.scenario.workload.arrivals), settings),
        ...summaryFigures(summary),
        failed,
        promptTokens: tokens.prompt ?? tokens.askedPrompt,
        outputTokens: tokens.output ?? tokens.askedOutput,
        ...countedBetween(measured.telemetry),
        kvUseMean: meanOf(measured.telemetry.map(({ kvUsage }) => kvUsage)),
        kvUsePeak: mostOf(measured.telemetry.map(({ kvUsage }) => kvUsage)),
      };
    }),
  );

/** What a server’s counters rose by; one look alone, or counters that began anew, say nothing. */
function countedBetween(looks: readonly Telemetry[]) {
  const [first, last] = [looks[0], looks.at(-1)];
  const counted = (name: 'prefixLookups' | 'prefixHits' | 'preemptions'): number | null => {
    const [from, to] = [first?.[name] ?? null, last?.[name] ?? null];
    return looks.length < 2 || from === null || to === null || to < from ? null : to - from;
  };
  return {
    lookedUpTokens: counted('prefixLookups'),
    hitTokens: counted('prefixHits'),
    preemptions: counted('preemptions'),
  };
}

function mostOf(column: readonly (number | null)[]): number | null {
  return column.reduce<number | null>(
    (most, value) => (value === null ? most : most === null ? value : Math.max(most, value)),
    null,
  );
}

const watchFacts: Reader<'watch'> = (run) => {
  const [first, last] = [run.samples[0], run.samples.at(-1)];
  if (first === undefined || last === undefined) return [];
  return [
    {
      ...NO_FACT,
      label: `${run.samples.length} samples`,
      engine: { name: run.server, version: null },
      durationMs: last.atMs - first.atMs,
      ...countedBetween(run.samples),
      kvUseMean: meanOf(run.samples.map(({ kvUsage }) => kvUsage)),
      kvUsePeak: mostOf(run.samples.map(({ kvUsage }) => kvUsage)),
    },
  ];
};

/** Bytes that the tiers below the GPU hold; null where there are none. */
function tierBytes({ cluster }: SimScenario): number | null {
  const bytes = cluster.tiers.reduce((sum, { capacityGB }) => sum + capacityGB * 1e9, 0);
  return bytes === 0 ? null : bytes;
}

/** Latencies of the requests that ended in the last window that had any; a run without a summary has no others. */
function lastWindow({ p95Ms, ttftP95Ms }: AutopilotSide['series']): RunFact['times'] {
  const last = (column: readonly (number | null)[]): FactDistribution | null => {
    const p95 = column.findLast((value) => value !== null) ?? null;
    return p95 === null ? null : { ...NO_DISTRIBUTION, p95 };
  };
  return { ...NO_TIMES, e2eMs: last(p95Ms), ttftMs: last(ttftP95Ms) };
}

const autopilotFacts: Reader<'autopilot'> = (run) => {
  const sides: readonly (readonly [string, AutopilotSide | null])[] = [
    ['with autopilot', run.with],
    ['without autopilot', run.without],
  ];
  const { simulation, serving, backend } = run.scenario;
  const workload = backend === 'simulator' ? simulation.workload : serving.workload;
  return sides.flatMap(([label, side], point) => {
    if (side === null) return [];
    const { counters, series, summary } = side;
    return [
      {
        ...NO_FACT,
        point,
        label,
        settings: { autopilot: label === 'with autopilot' ? 'on' : 'off' },
        origin: run.origin,
        model: backend === 'simulator' ? simulation.model : null,
        engine: {
          name: backend === 'simulator' ? 'KV Lab simulator' : 'KV Lab engine',
          version: run.appVersion,
        },
        hardware:
          backend === 'simulator'
            ? simHardware(simulation)
            : run.environment === null
              ? null
              : ownGpu(run.environment),
        ...offered(workload.arrivals),
        ...(summary === null ? { times: lastWindow(series) } : summaryFigures(summary)),
        kvUseMean: meanOf(series.kvUse),
        kvUsePeak: mostOf(series.kvUse),
        hostBytes: series.hostBytes.at(-1) ?? null,
        hostBudgetBytes: backend === 'simulator' ? tierBytes(simulation) : null,
        // The sequences are those at the end of the run with the autopilot.
        kvBytes:
          label === 'with autopilot' && run.sequences.length > 0
            ? run.sequences.reduce((sum, { gpuBytes }) => sum + gpuBytes, 0)
            : null,
        lookedUpTokens: counters.reuseHits + counters.reuseMisses,
        hitTokens: counters.reuseHits,
        preemptions: mostOf(series.preemptions) ?? summary?.preemptions ?? null,
        tokensEvicted: counters.tokensEvicted,
        tokensQuantized: counters.tokensQuantized,
        tokensOffloaded: counters.tokensOffloaded,
        tokensFetched: counters.tokensFetched,
        applies: counters.applies,
        rollbacks: counters.rollbacks,
      },
    ];
  });
};

function ofMeasured(times: MeasuredDistribution): FactDistribution | null {
  if (Object.values(times).every((value) => value === null)) return null;
  return { ...NO_DISTRIBUTION, ...times };
}

const importedFacts: Reader<'imported'> = (run) =>
  run.points.map((found, point) => ({
    ...NO_FACT,
    point,
    label: found.label,
    origin: run.origin,
    model: found.model,
    engine: { name: 'unknown', version: null },
    requestRate: found.load.requestsPerSecond,
    concurrency: found.load.concurrency,
    promptTokens: found.load.promptTokens,
    outputTokens: found.load.outputTokens,
    requests: sumOf([found.requests.finished, found.requests.failed]),
    finished: found.requests.finished,
    failed: found.requests.failed,
    durationMs: found.durationSeconds === null ? null : found.durationSeconds * 1000,
    times: {
      ttftMs: ofMeasured(found.ttftMs),
      tpotMs: ofMeasured(found.tpotMs),
      itlMs: ofMeasured(found.itlMs),
      e2eMs: ofMeasured(found.e2eMs),
      queueMs: null,
    },
    requestsPerSecond: found.requestsPerSecond,
    outputTokensPerSecond: found.outputTokensPerSecond,
  }));

function ofLab(found: Distribution): FactDistribution | null {
  if (found.samples === 0) return null;
  const at = (percent: 50 | 90 | 95 | 99 | 99.9): number | null => found.percentiles[percent].value;
  const { samples, mean, min, max } = found;
  return { samples, mean, min, max, p50: at(50), p90: at(90), p95: at(95), p99: at(99), p999: at(99.9) };
}

const labFacts: Reader<'lab'> = (run) =>
  summarizeRun(run).points.flatMap((found, point) => {
    if (found.repetitions === 0) return [];
    const { ttft, tpot, itl, e2e, queue } = found.distributions;
    return [
      {
        ...NO_FACT,
        point,
        label: settingsWords(found.settings, point),
        settings: found.settings,
        origin: run.origin,
        model: run.scenario.model.name,
        engine: { name: `KV Lab kernels, ${found.variant}`, version: run.environment.appVersion },
        hardware: ownGpu(run.environment),
        concurrency: setTo(found.settings, 'workload.concurrency', run.scenario.workload.concurrency),
        requests: found.finishedRequests + found.failedRequests,
        finished: found.finishedRequests,
        failed: found.failedRequests,
        times: {
          ttftMs: ofLab(ttft),
          tpotMs: ofLab(tpot),
          itlMs: ofLab(itl),
          e2eMs: ofLab(e2e),
          queueMs: ofLab(queue),
        },
        outputTokensPerSecond: found.scalars.throughput.value,
        kvBytes: found.scalars.kvUsed.value,
        kvBudgetBytes: found.scalars.kvAllocated.value,
      },
    ];
  });

/** The facts, at least one, or a sentence why there are none. */
export function factsOf(run: Run): Read<readonly RunFact[]> {
  if (!FACT_KINDS.includes(run.kind)) {
    return {
      ok: false,
      sentence: `A ${run.kind} run has no requests to report; take a ${FACT_KINDS.join(', ')} run.`,
    };
  }
  const facts = factsOfKind(run);
  return facts.length > 0
    ? { ok: true, value: facts }
    : { ok: false, sentence: `“${run.title}” has no finished repetition; run it to its end.` };
}

function factsOfKind(run: Run): RunFact[] {
  switch (run.kind) {
    case 'lab':
      return labFacts(run);
    case 'simulate':
      return simFacts(run);
    case 'serve':
      return serveFacts(run);
    case 'load':
      return loadFacts(run);
    case 'watch':
      return watchFacts(run);
    case 'autopilot':
      return autopilotFacts(run);
    case 'imported':
      return importedFacts(run);
    case 'check':
    case 'quality':
    case 'tune':
    case 'plan':
      return [];
    default:
      return run satisfies never;
  }
}
