/** What goes on at a server, in words and numbers: a load while it is sent, a watch, over- and under-use. */
import { formatNumber, formatValue } from '../charts/format.ts';
import { SERVING_METRICS } from '../core/metrics/definitions.ts';
import { pieceRates, type LoadCourse } from '../core/metrics/load/course.ts';
import { percentileOfSorted } from '../core/metrics/percentiles.ts';
import type { LoadRun, Telemetry } from '../core/run/load.ts';
import { alertsOf, ratesOf, type WatchRates } from '../endpoints/watch.ts';
import { NONE, pricePerMillion, shown, type ShownNumber } from './connect-words.ts';

export const TELEMETRY_NAMES: Readonly<Record<Exclude<keyof Telemetry, 'atMs'>, readonly [string, string]>> =
  {
    running: ['Running', ''],
    waiting: ['Waiting', ''],
    kvUsage: ['KV used', 'share'],
    prefixLookups: ['Prefix looked up', ''],
    prefixHits: ['Prefix found', ''],
    preemptions: ['Preemptions', ''],
    promptTokens: ['Prompt tokens', ''],
    outputTokens: ['Output tokens', ''],
    ttftMs: ['Mean TTFT', 'ms'],
    itlMs: ['Mean ITL', 'ms'],
    e2eMs: ['Mean E2E', 'ms'],
    queueMs: ['Mean queue', 'ms'],
  };

/** What stands first of a watch. */
export function watchNumbers(last: Telemetry | undefined, rates: WatchRates): ShownNumber[] {
  const count = (value: number | null | undefined): string => (value == null ? NONE : formatNumber(value));
  const perSecond = (value: number | null): string => (value === null ? NONE : `${formatNumber(value)}/s`);
  return [
    {
      label: 'Running',
      value: count(last?.running),
      beside: 'now',
      help: 'Requests in the server’s batch at the last look.',
      origin: 'measured',
    },
    {
      label: 'Waiting',
      value: count(last?.waiting),
      beside: 'now',
      help: 'Requests in the server’s queue at the last look.',
      origin: 'measured',
    },
    {
      label: 'KV used',
      value: shown(last?.kvUsage, 'share'),
      beside: last?.kvUsage == null ? 'the server does not say' : 'now',
      help: 'Share of the KV cache that is in use at the last look.',
      origin: 'measured',
    },
    {
      label: 'Output',
      value:
        rates.outputTokensPerSecond === null ? NONE : `${formatNumber(rates.outputTokensPerSecond)} tok/s`,
      beside: `prompts ${rates.promptTokensPerSecond === null ? NONE : `${formatNumber(rates.promptTokensPerSecond)} tok/s`}`,
      help: 'What the server’s counters rose by over the watch.',
      origin: 'measured',
    },
    {
      label: 'Prefix hits',
      value: shown(rates.prefixHitRatio, 'share'),
      beside: `preemptions ${perSecond(rates.preemptionsPerSecond)}`,
      help: 'Of what was looked up during the watch, found.',
      origin: 'measured',
    },
    {
      label: '$ / M tokens',
      value:
        rates.dollarsPerMillionTokens === null ? NONE : `$ ${formatNumber(rates.dollarsPerMillionTokens)}`,
      beside: 'output tokens, at the price given',
      help: 'Price of the server an hour over the million output tokens that it makes in one at this rate.',
      origin: 'measured',
    },
  ];
}

/** What the repetition that goes on comes to so far. */
export function liveNumbers(
  { ticks, requests, telemetry }: LoadCourse,
  pricePerHour: number | null,
): ShownNumber[] {
  const rate = pieceRates(ticks, 2000).at(-1)?.rate ?? null;
  const waits = requests.flatMap(({ ttftMs }) => ttftMs ?? []).sort((a, b) => a - b);
  const failed = requests.filter(({ fault }) => fault !== null).length;
  const last = telemetry.at(-1);
  const dollars = pricePerMillion(rate, pricePerHour);
  const number = (value: number | null | undefined): string => (value == null ? NONE : formatNumber(value));
  const origin = 'measured';
  return [
    {
      label: 'Output now',
      value: rate === null ? NONE : `${formatNumber(rate)}/s`,
      beside: 'pieces of text, over the last 2 s',
      help: 'Pieces of text that came; most servers put one token into a piece.',
      origin,
    },
    {
      label: 'Ended',
      value: formatNumber(requests.length),
      beside: `${formatNumber(failed)} failed`,
      help: 'Requests of this repetition that are over.',
      origin,
    },
    {
      label: 'p50 TTFT so far',
      value: waits.length === 0 ? NONE : formatValue(percentileOfSorted(waits, 50), 'ms'),
      beside: `p99 ${waits.length === 0 ? NONE : formatValue(percentileOfSorted(waits, 99), 'ms')}`,
      help: SERVING_METRICS.ttftMs.sentence,
      origin,
    },
    {
      label: 'Server runs',
      value: number(last?.running),
      beside: `${number(last?.waiting)} wait there`,
      help: 'As the server’s own metrics said last.',
      origin,
    },
    {
      label: 'KV used',
      value: shown(last?.kvUsage, 'share'),
      beside: last?.kvUsage == null ? 'the server does not say' : 'as the server says',
      help: 'Share of the KV cache in use at the last look.',
      origin,
    },
    {
      label: '$ / M tokens',
      value: dollars === null ? NONE : `$ ${formatNumber(dollars)}`,
      beside: pricePerHour === null ? 'give the server’s price above' : 'at the output now',
      help: 'Price of the server an hour over the million output tokens that it makes in one at this rate.',
      origin,
    },
  ];
}

/** Over- and under-use that the server's own metrics told while the load was on, point by point. */
export function loadAlerts({ points }: LoadRun): string[] {
  return points
    .flatMap(({ label, repetitions }) =>
      repetitions.flatMap(({ measured: { telemetry } }) =>
        alertsOf(telemetry, ratesOf(telemetry, null)).map((alert) =>
          points.length > 1 ? `${label}: ${alert}` : alert,
        ),
      ),
    )
    .filter((alert, i, all) => all.indexOf(alert) === i);
}
