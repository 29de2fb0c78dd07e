/**
 * A watch of a server's own metrics, and a load in the simulator that would look the same to them:
 *
 *   arrivals a second    (running + waiting) / mean end-to-end time            Little's law
 *   prompt and output    tokens a second / arrivals a second
 *   a step               the mean gap between tokens; a fifth of it is taken to grow with the batch (assumed)
 *   a prompt token       (TTFT − queue − a step) / prompt tokens
 *   KV capacity          tokens of those who run / share of the cache in use
 *
 * A server's means are since it was started. What needs single requests stays unsaid.
 */
import type { Json } from '../../core/json.ts';
import type { Telemetry, WatchRun } from '../../core/run/load.ts';
import { valueAt } from '../../core/scenario/layer.ts';
import { DEFAULT_SIMULATION } from '../../core/scenario/simulate/defaults.ts';
import type { SimScenario } from '../../core/scenario/simulate/schema.ts';
import { flagOf } from './own.ts';
import type { Facts, OwnSetting, ReadSubject } from './subject.ts';
import { grown, sampleShare, telemetryMean } from './telemetry.ts';

const BLOCK_TOKENS = 16;
/** Of a decode step at the batch that was seen: what grows with the batch. Assumed. */
const BATCH_SHARE = 0.2;
const MANY_BLOCKS = 6_000_000;
const REQUESTS = 500;

interface Seen {
  readonly perSecond: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly stepMs: number;
  readonly perTokenMs: number;
  readonly running: number;
  /** null: the server does not say how full it is. */
  readonly kvTokens: number | null;
}

const NEEDED = 'running requests, tokens and mean latencies (end to end, TTFT, gaps between tokens)';

function seenIn(samples: readonly Telemetry[]): Seen | null {
  const seconds = ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1000;
  const [prompt, output] = [grown(samples, 'promptTokens'), grown(samples, 'outputTokens')];
  const running = telemetryMean(samples, 'running');
  const [e2e, itl, ttft] = [
    telemetryMean(samples, 'e2eMs'),
    telemetryMean(samples, 'itlMs'),
    telemetryMean(samples, 'ttftMs'),
  ];
  if (prompt === null || output === null || running === null || e2e === null || itl === null || ttft === null)
    return null;
  const inSystem = running + (telemetryMean(samples, 'waiting') ?? 0);
  if (!(seconds > 0 && inSystem > 0 && e2e > 0 && itl > 0)) return null;
  const perSecond = (1000 * inSystem) / e2e;
  const promptTokens = Math.max(1, Math.round(prompt / seconds / perSecond));
  const outputTokens = Math.max(1, Math.round(output / seconds / perSecond));
  const queue = telemetryMean(samples, 'queueMs') ?? 0;
  const use = telemetryMean(samples, 'kvUsage');
  const held = running * (promptTokens + outputTokens / 2);
  return {
    perSecond,
    promptTokens,
    outputTokens,
    stepMs: itl,
    perTokenMs: Math.max(0, ttft - queue - itl) / promptTokens,
    running,
    kvTokens: use === null || use < 0.02 ? null : held / use,
  };
}

function twin(title: string, seen: Seen): SimScenario {
  const blocks = seen.kvTokens === null ? MANY_BLOCKS : Math.ceil(seen.kvTokens / BLOCK_TOKENS);
  return {
    ...DEFAULT_SIMULATION,
    title,
    hardware: { ...DEFAULT_SIMULATION.hardware, kvBlocks: Math.max(1, blocks) },
    engine: { ...DEFAULT_SIMULATION.engine, blockSize: BLOCK_TOKENS, prefixCache: 'off', maxSequences: 4096 },
    workload: {
      ...DEFAULT_SIMULATION.workload,
      requests: REQUESTS,
      arrivals: { kind: 'poisson', rate: seen.perSecond },
      promptTokens: { kind: 'fixed', tokens: seen.promptTokens },
      outputTokens: { kind: 'fixed', tokens: seen.outputTokens },
    },
    objectives: { ttftMs: null, tpotMs: null, e2eMs: null },
    cost: {
      kind: 'linear',
      baseMs: seen.stepMs * (1 - BATCH_SHARE),
      perTokenMs: seen.perTokenMs,
      perPrefillPairMs: 0,
      perContextTokenMs: 0,
      perSequenceMs: (seen.stepMs * BATCH_SHARE) / Math.max(1, seen.running),
    },
  };
}

function factsOfWatch(samples: readonly Telemetry[], seen: Seen): Facts {
  const seconds = ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1000;
  const use = samples.flatMap(({ kvUsage }) => kvUsage ?? []);
  const [lookups, hits] = [grown(samples, 'prefixLookups'), grown(samples, 'prefixHits')];
  const output = grown(samples, 'outputTokens');
  return {
    origin: 'measured',
    requests: seen.perSecond * seconds,
    ttftMs: null,
    tpotMs: null,
    itlMs: null,
    e2eMs: null,
    attainment: null,
    within: { ttftMs: null, tpotMs: null, e2eMs: null },
    outputTokensPerSecond: output === null || seconds <= 0 ? null : output / seconds,
    preemptions: grown(samples, 'preemptions'),
    recomputedTokens: null,
    peakKvUse: use.length === 0 ? null : use.reduce((most, value) => Math.max(most, value), 0),
    meanKvUse: telemetryMean(samples, 'kvUsage'),
    fragmentation: null,
    hitRatio: lookups === null || hits === null || lookups === 0 ? null : hits / lookups,
    waitingShare: sampleShare(samples, ({ waiting }) => (waiting === null ? null : waiting > 0)),
    fullBatchShare: null,
    meanRunning: seen.running,
    maxRunning: samples.reduce<number | null>(
      (most, { running }) => (running === null ? most : Math.max(most ?? 0, running)),
      null,
    ),
    steady: null,
    tierInBytes: null,
    tierHitTokens: null,
  };
}

const OPEN: ReadonlySet<string> = new Set(['hardware.kvBlocks', 'engine.kvFormat', 'engine.maxSequences']);

export function watchedSubject(run: WatchRun): ReadSubject {
  const seen = seenIn(run.samples);
  if (seen === null) {
    return {
      ok: false,
      sentence: `The watch says too little to stand for a load: two samples or more with ${NEEDED} are needed.`,
    };
  }
  const scenario = twin(run.title, seen);
  const own = (path: string, to: Json): OwnSetting => ({
    path,
    from: valueAt(scenario, path) ?? null,
    to,
    flag: flagOf(run.server, path, to),
    assignment: null,
  });
  const round = (value: number): number => Number(value.toPrecision(3));
  return {
    ok: true,
    subject: {
      title: run.title,
      facts: factsOfWatch(run.samples, seen),
      scenario,
      inputs: {},
      blocksThatFit: null,
      fixed: (path) => {
        if (!OPEN.has(path)) return 'A watch does not show what this setting does.';
        return path !== 'engine.maxSequences' && seen.kvTokens === null
          ? 'The server does not say how full its KV cache is.'
          : null;
      },
      own,
      notes: [
        `Tried on a load that would look the same to these metrics: ${round(seen.perSecond)} requests a second (Little’s law), ${seen.promptTokens} prompt and ${seen.outputTokens} output tokens each, ${round(seen.stepMs)} ms a step of which a fifth is assumed to grow with the batch.`,
      ],
    },
  };
}
