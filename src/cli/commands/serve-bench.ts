/** `kvlab serve-bench`: a real model under load, measured, with the simulator's prediction and its error beside it. */
import { figuresFor } from '../../charts/index.ts';
import { WEIGHT_FORMATS } from '../../gpu/index.ts';
import {
  PREDICTION_BARS,
  runToJson,
  servedPoint,
  servePointsToCsv,
  serveRequestsToCsv,
  serveShapeOf,
  serveStepsToCsv,
  type ServeRun,
  type ServeScenario,
} from '../../index.ts';
import type { Invocation } from '../arguments.ts';
import { InputError } from '../errors.ts';
import { writeFigures } from '../figures.ts';
import { modelFiles } from '../model-files.ts';
import { loadServing } from '../scenario.ts';
import { shippedModelFolder } from '../shipped-model.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { GpuCommand } from './command.ts';

export const serveBench: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  const { set, seed } = invocation;
  const asked = [...set, ...(seed === null ? [] : [`seed=${seed}`])];
  const scenario = loadServing(invocation.scenario ?? '', asked);
  const files = modelFiles(modelPath(scenario, invocation));
  const weights = invocation.weights ?? scenario.weights;
  const weightFormat = WEIGHT_FORMATS.find((format) => format === weights);
  if (weightFormat === undefined) {
    throw new InputError(`--weights is “${weights.slice(0, 40)}”; there are ${WEIGHT_FORMATS.join(', ')}.`);
  }
  const host = await openHost();
  const load = { weightFormat, budgetBytes: null };
  const run = await host.serve({ ...files, load, scenario }, terminal.progress);
  if (write) {
    write('run.json', runToJson(run));
    write('requests.csv', serveRequestsToCsv(run));
    write('steps.csv', serveStepsToCsv(run));
    write('points.csv', servePointsToCsv(run));
    await writeFigures(figuresFor(run), host, write, terminal);
  }
  const answer = answerOf(run);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : textOf(answer));
  if (!run.complete) terminal.say('Stopped; the repetitions that were finished are kept.');
  for (const { reason } of run.points) if (reason !== null) terminal.say(reason);
  return run.complete && run.points.every(({ status }) => status !== 'failed') ? 'done' : 'failed';
};

/** @throws InputError for a scenario of a loaded model that is not named */
function modelPath({ model }: ServeScenario, invocation: Invocation): string {
  if (invocation.model !== null) return invocation.model;
  if (model === 'shipped') return shippedModelFolder();
  throw new InputError(
    `This scenario is for the model “${model.slice(0, 80)}”; name its folder with --model.`,
  );
}

type Metrics = Record<string, number | null>;

interface PointAnswer {
  readonly settings: ServeRun['points'][number]['settings'];
  readonly backend: string;
  readonly engine: string;
  readonly status: string;
  readonly reason: string | null;
  readonly measured: Metrics;
  readonly predicted: Metrics;
  /** 100 · (predicted / measured − 1). */
  readonly errorPercent: Metrics;
  readonly costModel: ServeRun['points'][number]['fit'];
  readonly kvCacheBytes: number | null;
  /** Share of the slots given to sequences that hold a token, time-weighted. */
  readonly keptShare: number | null;
  readonly peakSequences: number | null;
}

interface Answer {
  readonly title: string;
  readonly model: string;
  readonly device: string;
  readonly points: readonly PointAnswer[];
  readonly firstToken: ServeRun['firstToken'];
  readonly bars: typeof PREDICTION_BARS;
  readonly notes: readonly string[];
  readonly complete: boolean;
}

function answerOf(run: ServeRun): Answer {
  const { adapter } = run.environment;
  return {
    title: run.title,
    model: run.model,
    device: adapter.description || adapter.device || `${adapter.vendor} ${adapter.architecture}`.trim(),
    points: run.points.map((point) => pointAnswer(point, run.scenario)),
    firstToken: run.firstToken,
    bars: PREDICTION_BARS,
    notes: run.notes,
    complete: run.complete,
  };
}

function pointAnswer(point: ServeRun['points'][number], scenario: ServeScenario): PointAnswer {
  const { measured, pairs } = servedPoint(point, serveShapeOf(point, scenario));
  const by = (read: (pair: (typeof pairs)[number]) => number | null): Metrics =>
    Object.fromEntries(pairs.map((pair) => [pair.metric, read(pair)]));
  const ours = point.kvBlocks !== null && measured.length > 0;
  const shares = measured.map(({ summary }) => 1 - summary.fragmentation);
  const peaks = point.repetitions.flatMap(({ measured: { steps } }) => steps.running);
  const { kvBlocks, blockSize, kvBytesPerToken } = point;
  return {
    settings: point.settings,
    backend: point.backend,
    engine: point.engine,
    status: point.status,
    reason: point.reason,
    measured: by((pair) => pair.measured),
    predicted: by((pair) => pair.predicted),
    errorPercent: by((pair) => pair.errorPercent),
    costModel: point.fit,
    kvCacheBytes: kvBlocks === null ? null : kvBlocks * (blockSize ?? 0) * (kvBytesPerToken ?? 0),
    keptShare: ours ? shares.reduce((sum, share) => sum + share, 0) / shares.length : null,
    peakSequences: ours ? peaks.reduce((most, running) => Math.max(most, running), 0) : null,
  };
}

const SHOWN = [
  ['ttftMs.mean', 'mean TTFT', 'ms'],
  ['tpotMs.mean', 'mean TPOT', 'ms'],
  ['itlMs.p99', 'p99 ITL', 'ms'],
  ['e2eMs.mean', 'mean E2E', 'ms'],
  ['outputTokensPerSecond', 'throughput', 'tok/s'],
] as const;

function textOf({ title, model, device, points, firstToken, notes }: Answer): string {
  const show = (value: number | null | undefined, unit: string): string =>
    value === null || value === undefined ? '—' : valueWithUnit(value, unit);
  const signed = (value: number | null | undefined): string =>
    value === null || value === undefined ? '—' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)} %`;
  const rows = points.flatMap((point) => [
    [
      `${
        Object.entries(point.settings)
          .map(([path, value]) => `${path.split('.').at(-1) ?? path} ${value}`)
          .join(', ') || 'this scenario'
      } (${point.engine})`,
    ],
    ...SHOWN.map(([metric, name, unit]) => [
      `  ${name}`,
      show(point.measured[metric], unit),
      show(point.predicted[metric], unit),
      signed(point.errorPercent[metric]),
    ]),
    ...(point.keptShare === null
      ? []
      : [
          [
            `  KV slots with a token ${(100 * point.keptShare).toFixed(0)} %, ${point.peakSequences ?? 0} sequences at most`,
          ],
        ]),
  ]);
  const first = firstToken.map(({ from, samplesMs }) => [
    `first token, ${from}`,
    samplesMs.length === 0
      ? '—'
      : valueWithUnit(samplesMs.reduce((sum, ms) => sum + ms, 0) / samplesMs.length, 'ms'),
  ]);
  return [
    `${title}: ${model} on ${device}\n\n`,
    table([['', 'measured', 'predicted', 'error'], ...rows]),
    ...(first.length === 0 ? [] : ['\n', table(first)]),
    ...notes.map((note) => `${note}\n`),
  ].join('');
}
