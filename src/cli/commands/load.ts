/** `kvlab load`: a scenario's workload on a real server, measured, with the simulator's prediction beside it. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import {
  DEFAULT_LOAD,
  LOAD_APIS,
  LOAD_PRESETS,
  parseLoad,
  presetLoad,
  runLoad,
  summarizeLoad,
  type LoadRun,
  type LoadScenario,
  type ParsedLoad,
} from '../../endpoints/index.ts';
import { applyAssignments } from '../../index.ts';
import type { Invocation } from '../arguments.ts';
import { asked, endpointOf } from '../endpoint.ts';
import { InputError } from '../errors.ts';
import { readTraceFile } from '../inputs.ts';
import { realNumber } from '../numbers.ts';
import { readScenarioText } from '../scenario.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { PlainCommand } from './command.ts';

export const load: PlainCommand = async ({ invocation, terminal, write, command, onCancel }) => {
  const scenario = loadScenarioOf(invocation);
  const trace = invocation.trace === null ? null : readTraceFile(invocation.trace);
  if (scenario.workload.trace !== null && trace === null) {
    throw new InputError(
      `This scenario replays the trace ${scenario.workload.trace.name}; name its file with --trace.`,
    );
  }
  const endpoint = endpointOf(invocation.given('endpoint'), '--endpoint');
  const price = priceOf(invocation);
  const stop = new AbortController();
  onCancel(() => {
    terminal.say('Stopping; what is finished is kept.');
    stop.abort();
  });
  const run = await asked(endpoint, () =>
    runLoad(scenario, endpoint, {
      signal: stop.signal,
      trace,
      stamp: {
        id: randomUUID(),
        createdAt: new Date().toISOString(),
        appVersion: __APP_VERSION__,
        command,
        client: `Node ${process.versions.node} on ${process.platform}`,
      },
      onProgress: terminal.progress,
    }),
  ).finally(() => onCancel(null));
  write?.('run.json', `${JSON.stringify(run)}\n`);
  const answer = answerOf(run, price);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : textOf(answer));
  for (const { status, reason } of run.points) {
    if (status === 'failed' && reason !== null) terminal.say(reason);
  }
  if (!run.complete) {
    const isEmpty = run.points.every(({ repetitions }) => repetitions.length === 0);
    terminal.say(isEmpty ? 'Stopped before anything was measured.' : 'Stopped; what was measured is kept.');
  }
  return run.complete && run.points.every(({ status }) => status !== 'failed') ? 'done' : 'failed';
};

function taken(parsed: ParsedLoad, name: string): LoadScenario {
  if (parsed.ok) return parsed.scenario;
  throw new InputError(name === '' ? parsed.sentence : `${name}: ${parsed.sentence}`);
}

function baseOf(name: string | null): LoadScenario {
  if (name === null || name === 'default') return DEFAULT_LOAD;
  if (LOAD_PRESETS.some((preset) => preset.name === name)) return presetLoad(name);
  return taken(parseLoad(readScenarioText(name, 'load')), name);
}

function loadScenarioOf(invocation: Invocation): LoadScenario {
  const { scenario: name, set, seed, model, trace } = invocation;
  const base = baseOf(name);
  const given = invocation.given('api');
  const api = given === null ? base.api : LOAD_APIS.find((known) => known === given);
  if (api === undefined)
    throw new InputError(`--api is “${(given ?? '').slice(0, 40)}”; there are ${LOAD_APIS.join(' and ')}.`);
  const named = trace === null ? base.workload : withTrace(base.workload, basename(trace), set);
  const chosen = { ...base, api, model: model ?? base.model, workload: named };
  return taken(applyAssignments(chosen, [...set, ...(seed === null ? [] : [`seed=${seed}`])]), '');
}

/** A file takes the place of the scenario's own trace; where there was none, all of it is replayed. */
function withTrace(workload: LoadScenario['workload'], name: string, set: readonly string[]) {
  const counted = workload.trace !== null || set.some((text) => text.startsWith('workload.requests='));
  const trace = { name: name.slice(0, 200), speed: workload.trace?.speed ?? 1 };
  return { ...workload, trace, requests: counted ? workload.requests : 0 };
}

function priceOf(invocation: Invocation): number | null {
  const given = invocation.given('price');
  return given === null ? null : realNumber('--price', given, 0, 1e6);
}

function answerOf(run: LoadRun, pricePerHour: number | null) {
  return {
    title: run.title,
    model: run.model,
    server: run.server,
    points: run.points.map((point) => ({
      label: point.label,
      settings: point.settings,
      status: point.status,
      reason: point.reason,
      saturated: point.saturated,
      costModel: point.fit,
      repetitions: point.repetitions.map(({ measured, predicted }) => {
        const summed = summarizeLoad(measured, run.scenario.objectives);
        const rate = summed.summary.outputTokensPerSecond;
        return {
          seed: measured.seed,
          measured: {
            ...summed,
            summary: { ...withoutCdf(summed.summary), ...UNSEEN },
            latenessMs: short(summed.latenessMs),
          },
          predicted: predicted === null ? null : withoutCdf(predicted),
          dollarsPerMillionOutputTokens:
            pricePerHour === null || rate === 0 ? null : pricePerHour / ((rate * 3600) / 1e6),
          lastTelemetry: measured.telemetry.at(-1) ?? null,
        };
      }),
    })),
    notes: run.notes,
    complete: run.complete,
  };
}

type Answer = ReturnType<typeof answerOf>;
type Summary = ReturnType<typeof summarizeLoad>['summary'];

/** The quantiles of a CDF are for figures. */
function short<T extends { readonly quantiles: unknown }>(
  distribution: T | null,
): Omit<T, 'quantiles'> | null {
  if (distribution === null) return null;
  const { quantiles: _quantiles, ...rest } = distribution;
  return rest;
}

/** What only the server knows. */
const UNSEEN = {
  preemptions: null,
  recomputedTokens: null,
  steps: null,
  meanBatch: null,
  kvBlocks: null,
  peakKvBlocks: null,
  meanKvBlocks: null,
  fragmentation: null,
};

function withoutCdf(summary: Summary) {
  const { ttftMs, tpotMs, itlMs, e2eMs, queueMs } = summary;
  const times = {
    ttftMs: short(ttftMs),
    tpotMs: short(tpotMs),
    itlMs: short(itlMs),
    e2eMs: short(e2eMs),
    queueMs: short(queueMs),
  };
  return { ...summary, ...times };
}

const SHOWN = [
  ['ttftMs', 'p50', 'p50 TTFT'],
  ['ttftMs', 'p99', 'p99 TTFT'],
  ['tpotMs', 'mean', 'mean TPOT'],
  ['itlMs', 'p99', 'p99 ITL'],
  ['e2eMs', 'mean', 'mean E2E'],
] as const;

function textOf({ title, model, server, points, notes }: Answer): string {
  const show = (value: number | null | undefined, unit: string): string =>
    value === null || value === undefined ? '—' : valueWithUnit(value, unit);
  const rows = points.flatMap((point) => [
    [`${point.label}${point.status === 'done' ? '' : ` (${point.status})`}`],
    ...point.repetitions.flatMap(({ measured, predicted }) => [
      ...SHOWN.map(([metric, statistic, name]) => [
        `  ${name}`,
        show(measured.summary[metric]?.[statistic], 'ms'),
        show(predicted?.[metric]?.[statistic], 'ms'),
      ]),
      [
        '  throughput',
        show(measured.summary.outputTokensPerSecond, 'tok/s'),
        show(predicted?.outputTokensPerSecond, 'tok/s'),
      ],
      [
        '  finished, failed, retried',
        `${measured.summary.finished}, ${measured.failed}, ${measured.retries}`,
      ],
      ['  client late, p99', show(measured.latenessMs?.p99, 'ms')],
      ...Object.entries(measured.errors).map(([kind, count]) => [`  ${kind}`, String(count)]),
    ]),
  ]);
  const saturated = new Set(points.flatMap((point) => point.saturated ?? []));
  return [
    `${title}: ${model} on ${server.kind}${server.version === null ? '' : ` ${server.version}`}\n\n`,
    table([['', 'measured', 'predicted'], ...rows]),
    ...[...saturated, ...notes].map((note) => `${note}\n`),
  ].join('');
}
