/** `kvlab watch`: a server's own metrics a few times over, with what is too much and what lies idle, as a run. */
import { randomUUID } from 'node:crypto';
import { watchServer, type WatchAnswer } from '../../endpoints/index.ts';
import { asked, endpointOf } from '../endpoint.ts';
import { realNumber, wholeNumber } from '../numbers.ts';
import { table } from '../tables.ts';
import type { PlainCommand } from './command.ts';

const SAMPLES = 6;
const INTERVAL_SECONDS = 5;

export const watch: PlainCommand = async ({ invocation, terminal, write, onCancel }) => {
  const endpoint = endpointOf(invocation.scenario, 'its address');
  const samples = invocation.given('samples');
  const interval = invocation.given('interval');
  const price = invocation.given('price');
  const stop = new AbortController();
  onCancel(() => stop.abort());
  const watched = await asked(endpoint, () =>
    watchServer(endpoint, {
      samples: samples === null ? SAMPLES : wholeNumber('--samples', samples, 1, 100_000),
      intervalSeconds: interval === null ? INTERVAL_SECONDS : realNumber('--interval', interval, 0.05, 3600),
      pricePerHour: price === null ? null : realNumber('--price', price, 0, 1e6),
      signal: stop.signal,
      stamp: { id: randomUUID(), createdAt: new Date().toISOString(), appVersion: __APP_VERSION__ },
      onSample: (taken, of) =>
        terminal.progress({ fraction: taken / of, message: `Sample ${taken} of ${of}` }),
    }),
  ).finally(() => onCancel(null));
  write?.('run.json', `${JSON.stringify(watched.run)}\n`);
  terminal.answer(invocation.json ? `${JSON.stringify(watched)}\n` : textOf(watched));
  return watched.run.complete ? 'done' : 'failed';
};

function textOf({ run, rates, alerts }: WatchAnswer): string {
  const shown = (value: number | null): string =>
    value === null ? '—' : String(Number(value.toPrecision(4)));
  const rows = run.samples.map(({ atMs, running, waiting, kvUsage }) => [
    `${(atMs / 1000).toFixed(1)} s`,
    shown(running),
    shown(waiting),
    kvUsage === null ? '—' : `${(100 * kvUsage).toFixed(1)} %`,
  ]);
  const { outputTokensPerSecond, prefixHitRatio, dollarsPerMillionTokens } = rates;
  return [
    `${run.server}\n\n`,
    table([['', 'running', 'waiting', 'KV used'], ...rows]),
    `Output: ${shown(outputTokensPerSecond)} tok/s. Prefix hits: ${prefixHitRatio === null ? '—' : `${(100 * prefixHitRatio).toFixed(1)} %`}.\n`,
    ...(dollarsPerMillionTokens === null
      ? []
      : [`$ ${shown(dollarsPerMillionTokens)} a million output tokens.\n`]),
    ...alerts.map((alert) => `${alert}\n`),
    ...run.notes.map((note) => `${note}\n`),
  ].join('');
}
