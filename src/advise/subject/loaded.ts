/**
 * A load on a real server: what the client saw, what the server said of itself, and the simulator with the cost of its steps
 * as they look from outside. What the server did not say is null, and the rules that need it stay silent.
 */
import type { Json } from '../../core/json.ts';
import { summarizeLoad, type LoadSummary } from '../../core/metrics/load/summary.ts';
import { mean } from '../../core/metrics/percentiles.ts';
import type { LoadPoint, LoadRun, Telemetry } from '../../core/run/load.ts';
import type { SimSummary } from '../../core/run/simulation.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import type { LoadScenario } from '../../core/scenario/load/schema.ts';
import { loadPoints } from '../../core/scenario/load/points.ts';
import { fitLoad, simulationOf } from '../../endpoints/predict.ts';
import type { SimInputs } from '../../sim/repetition.ts';
import { assignmentOf, flagOf } from './own.ts';
import type { Facts, OwnSetting, ReadSubject } from './subject.ts';
import { grown, sampleShare, telemetryMean } from './telemetry.ts';

function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const known = values.flatMap((value) => value ?? []);
  return known.length === 0 ? null : mean(known);
}

function within(summaries: readonly SimSummary[], objective: 'ttftMs' | 'tpotMs' | 'e2eMs'): number | null {
  return meanOf(
    summaries.map(({ withinObjective, finished }) => {
      const kept = withinObjective?.[objective] ?? null;
      return kept === null || finished === 0 ? null : kept / finished;
    }),
  );
}

/** Of the server, over all repetitions. */
function pool(samples: readonly (readonly Telemetry[])[], maxSequences: number | null) {
  const all = samples.flat();
  const use = all.flatMap(({ kvUsage }) => kvUsage ?? []);
  const growth = samples.flatMap((one) => grown(one, 'preemptions') ?? []);
  const limit = maxSequences ?? Infinity;
  return {
    preemptions: growth.length === 0 ? null : mean(growth),
    peakKvUse: use.length === 0 ? null : use.reduce((most, value) => Math.max(most, value), 0),
    meanKvUse: use.length === 0 ? null : mean(use),
    waitingShare: sampleShare(all, ({ waiting }) => (waiting === null ? null : waiting > 0)),
    fullBatchShare:
      maxSequences === null
        ? null
        : sampleShare(all, ({ running, waiting }) =>
            running === null || waiting === null ? null : running >= limit && waiting > 0,
          ),
    meanRunning: telemetryMean(all, 'running'),
    maxRunning: all.reduce<number | null>(
      (most, { running }) => (running === null ? most : Math.max(most ?? 0, running)),
      null,
    ),
  };
}

function factsOfLoad(point: LoadPoint, scenario: LoadScenario, maxSequences: number | null): Facts {
  const loads: LoadSummary[] = point.repetitions.map(({ measured }) =>
    summarizeLoad(measured, scenario.objectives),
  );
  const summaries = loads.map(({ summary }) => summary);
  const [first] = summaries;
  const of = (read: (summary: SimSummary) => number | null): number | null => meanOf(summaries.map(read));
  return {
    origin: 'measured',
    requests: of(({ requests }) => requests),
    ttftMs: first?.ttftMs ?? null,
    tpotMs: first?.tpotMs ?? null,
    itlMs: first?.itlMs ?? null,
    e2eMs: first?.e2eMs ?? null,
    attainment: of(({ attainment }) => attainment),
    within: {
      ttftMs: within(summaries, 'ttftMs'),
      tpotMs: within(summaries, 'tpotMs'),
      e2eMs: within(summaries, 'e2eMs'),
    },
    outputTokensPerSecond: of(({ outputTokensPerSecond }) => outputTokensPerSecond),
    recomputedTokens: null,
    fragmentation: null,
    hitRatio: of(({ prefixHitRatio }) => prefixHitRatio),
    steady: first === undefined ? null : first.steadyFromMs !== null,
    tierInBytes: null,
    tierHitTokens: null,
    ...pool(
      point.repetitions.map(({ measured }) => measured.telemetry),
      maxSequences,
    ),
  };
}

/** Settings of the simulator that a server has under whatever name. */
const OF_SERVERS: ReadonlySet<string> = new Set([
  'engine.maxSequences',
  'engine.tokenBudget',
  'engine.prefixCache',
  'cluster.replicas',
  'cluster.router',
]);
/** Only where the server says how much it holds. */
const OF_MEMORY: ReadonlySet<string> = new Set(['hardware.kvBlocks', 'engine.kvFormat']);

export function loadedSubject(run: LoadRun, wanted: number | undefined, inputs: SimInputs): ReadSubject {
  const at = wanted ?? run.points.findIndex(({ repetitions }) => repetitions.length > 0);
  const point = run.points[at];
  if (point === undefined || point.repetitions.length === 0)
    return {
      ok: false,
      sentence: `There is no result to advise on: ${point?.reason ?? 'no point of the run has one.'}`,
    };
  const key = JSON.stringify(point.settings);
  const planned = loadPoints(run.scenario).find(({ settings }) => JSON.stringify(settings) === key);
  const own = planned?.scenario ?? run.scenario;
  const fit = point.fit ?? fitLoad(point.repetitions.map(({ measured }) => measured));
  if (fit === null) {
    return {
      ok: false,
      sentence:
        'The load has too few tokens to learn what a step of the server costs, so nothing can be tried; send more requests.',
    };
  }
  const kvTokens = own.server.kvTokens ?? run.server.kvTokens;
  const scenario = simulationOf(own, run.server, fit, own.seed);
  const setting = (path: string, to: Json): OwnSetting => {
    const settable = path.startsWith('workload.');
    return {
      path,
      from: valueAt(scenario, path) ?? null,
      to,
      flag: settable ? null : flagOf(run.server.kind, path, to),
      assignment: settable ? assignmentOf(path, to) : null,
    };
  };
  return {
    ok: true,
    subject: {
      title: run.title,
      facts: factsOfLoad(point, own, own.server.maxSequences ?? run.server.maxSequences),
      scenario,
      inputs,
      blocksThatFit: null,
      fixed: (path) => {
        if (OF_SERVERS.has(path) || path === 'workload.arrivals.users') return null;
        if (!OF_MEMORY.has(path)) return 'This setting of the server is not known from outside.';
        return kvTokens === null
          ? 'The server does not say how many tokens its KV cache holds; set server.kvTokens.'
          : null;
      },
      own: setting,
      notes: [
        `Tried in the simulator with the cost of the server’s steps as they look from outside, fitted on ${point.fit === null ? 'this very load' : 'the calibrating repetitions'}, ${Number(fit.meanErrorPercent.toPrecision(2))} % off on average.`,
        ...(own.server.maxSequences === null && run.server.maxSequences === null
          ? ['The server does not say how many requests it runs at once, so it is taken to have no limit.']
          : []),
      ],
    },
  };
}
