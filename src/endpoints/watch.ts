/** A server's own metrics a few times over: a run of its samples, rates between the first and the last, and alerts. */
import type { Telemetry, WatchRun } from '../core/run/load.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import { pause } from './drive.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointError } from './fault.ts';
import { scrape } from './telemetry.ts';

export interface WatchOptions {
  readonly samples: number;
  readonly intervalSeconds: number;
  /** Of the server, in dollars; null: no price of tokens. */
  readonly pricePerHour: number | null;
  readonly signal: AbortSignal;
  readonly stamp: { readonly id: string; readonly createdAt: string; readonly appVersion: string };
  readonly onSample?: (taken: number, of: number) => void;
  /** The watch so far, after each sample. */
  readonly onAnswer?: (answer: WatchAnswer) => void;
}

export interface WatchRates {
  readonly outputTokensPerSecond: number | null;
  readonly promptTokensPerSecond: number | null;
  readonly preemptionsPerSecond: number | null;
  /** Of what was looked up between the first sample and the last. */
  readonly prefixHitRatio: number | null;
  readonly dollarsPerMillionTokens: number | null;
}

export interface WatchAnswer {
  readonly run: WatchRun;
  readonly rates: WatchRates;
  /** Sentences on over- and under-use. */
  readonly alerts: readonly string[];
}

/** @throws EndpointError where the first look fails; a later one ends the watch, which keeps what it has */
export async function watchServer(endpoint: Endpoint, options: WatchOptions): Promise<WatchAnswer> {
  const { samples: count, intervalSeconds, signal, stamp, onSample, onAnswer, pricePerHour } = options;
  const first = await scrape(endpoint);
  const startMs = endpoint.now();
  const samples: Telemetry[] = [first.telemetry];
  const notes: string[] = [];
  const answer = (): WatchAnswer => {
    const run: WatchRun = {
      version: RUN_VERSION,
      kind: 'watch',
      title: `Watch of a ${first.server} server`,
      command: null,
      ...stamp,
      origin: 'measured',
      server: first.server,
      intervalSeconds,
      samples: [...samples],
      notes: [...notes],
      complete: samples.length === count,
    };
    const rates = ratesOf(samples, pricePerHour);
    return { run, rates, alerts: alertsOf(samples, rates) };
  };
  const told = (): void => {
    onSample?.(samples.length, count);
    onAnswer?.(answer());
  };
  told();
  while (samples.length < count && !signal.aborted) {
    await pause(samples.length * intervalSeconds * 1000 - (endpoint.now() - startMs), signal);
    if (signal.aborted) break;
    try {
      const { telemetry } = await scrape(endpoint);
      samples.push({ ...telemetry, atMs: Math.round(endpoint.now() - startMs) });
    } catch (error) {
      if (!(error instanceof EndpointError)) throw error;
      notes.push(error.message);
      break;
    }
    told();
  }
  return answer();
}

type Counter = 'outputTokens' | 'promptTokens' | 'preemptions' | 'prefixLookups' | 'prefixHits';

/** What a counter rose by; null where it is not told, or where the server began anew. */
function rise(samples: readonly Telemetry[], counter: Counter): number | null {
  const [from, to] = [samples[0]?.[counter] ?? null, samples.at(-1)?.[counter] ?? null];
  return from === null || to === null || to < from ? null : to - from;
}

export function ratesOf(samples: readonly Telemetry[], pricePerHour: number | null): WatchRates {
  const seconds = ((samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)) / 1000;
  const perSecond = (counter: Counter): number | null => {
    const risen = rise(samples, counter);
    return risen === null || seconds <= 0 ? null : risen / seconds;
  };
  const [lookups, hits] = [rise(samples, 'prefixLookups'), rise(samples, 'prefixHits')];
  const output = perSecond('outputTokens');
  return {
    outputTokensPerSecond: output,
    promptTokensPerSecond: perSecond('promptTokens'),
    preemptionsPerSecond: perSecond('preemptions'),
    prefixHitRatio: hits === null || !lookups ? null : hits / lookups,
    dollarsPerMillionTokens: pricePerHour === null || !output ? null : pricePerHour / ((output * 3600) / 1e6),
  };
}

const FULL = 0.9;
const IDLE = 0.3;

/** Over- and under-use, each with its numbers. */
export function alertsOf(samples: readonly Telemetry[], rates: WatchRates): string[] {
  const alerts: string[] = [];
  const of = (field: 'kvUsage' | 'waiting' | 'running'): number[] =>
    samples.flatMap((sample) => sample[field] ?? []);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [usage, waiting, running] = [of('kvUsage'), of('waiting'), of('running')];
  if (usage.length > 0 && Math.max(...usage) >= FULL) {
    alerts.push(
      `Over-used: the KV cache was ${(100 * Math.max(...usage)).toFixed(0)} % full (alert from ${100 * FULL} %).`,
    );
  }
  if (rates.preemptionsPerSecond !== null && rates.preemptionsPerSecond > 0) {
    alerts.push(`Over-used: ${rates.preemptionsPerSecond.toFixed(2)} preemptions a second.`);
  }
  if (waiting.length > 1 && waiting.every((count) => count > 0)) {
    alerts.push(`Over-used: requests waited at every look, ${mean(waiting).toFixed(1)} on the average.`);
  }
  if (running.length > 1 && running.every((count) => count === 0)) {
    alerts.push(`Under-used: nothing ran at any of ${running.length} looks.`);
  } else if (usage.length > 1 && Math.max(...usage) <= IDLE && waiting.every((count) => count === 0)) {
    alerts.push(
      `Under-used: the KV cache was at most ${(100 * Math.max(...usage)).toFixed(0)} % full and nothing waited.`,
    );
  }
  return alerts;
}
