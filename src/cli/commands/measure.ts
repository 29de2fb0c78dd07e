/** `kvlab measure`: runs an experiment and writes the run, its tables and its figures. */
import { figuresFor } from '../../charts/index.ts';
import {
  METRICS,
  pointsToCsv,
  requestsToCsv,
  runToJson,
  summarizeRun,
  type LabRun,
  type MetricId,
  type PointSummary,
} from '../../index.ts';
import { writeFigures } from '../figures.ts';
import { loadScenario } from '../scenario.ts';
import { table, valueWithUnit } from '../tables.ts';
import type { GpuCommand } from './command.ts';

export const measure: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  const chosen = loadScenario(invocation.scenario ?? '', invocation.set);
  const scenario = invocation.lowPower
    ? { ...chosen, hardware: { ...chosen.hardware, adapter: 'low-power' as const } }
    : chosen;
  const host = await openHost();
  const run = await host.run(scenario, invocation.force, terminal.progress);
  if (write) {
    write('run.json', runToJson(run));
    write('requests.csv', requestsToCsv(run));
    write('points.csv', pointsToCsv(run));
    await writeFigures(figuresFor(run), host, write, terminal);
  }
  terminal.answer(invocation.json ? runToJson(run) : runText(run));
  if (!run.complete) terminal.say('The run was cut short; what was measured is kept.');
  return run.complete && run.points.some(isMeasured) ? 'done' : 'failed';
};

function isMeasured({ status }: Pick<PointSummary, 'status'>): boolean {
  return status === 'done' || status === 'shrunk';
}

function runText(run: LabRun): string {
  const { points } = summarizeRun(run);
  const axes = [...new Set(points.flatMap(({ settings }) => Object.keys(settings)))];
  const header = [
    ...axes.map((path) => path.split('.').at(-1) ?? path),
    'TTFT p50',
    'TPOT p50',
    'E2E p50',
    'throughput',
    'KV used',
    'KV reserved',
  ];
  const rows = points.map((point) => [
    ...axes.map((path) => String(point.settings[path] ?? '')),
    ...cells(point),
  ]);
  const findings = figuresFor(run).map(({ title, finding }) => `${title}: ${finding}\n`);
  const missing = points.find(
    (point) => isMeasured(point) && point.distributions.ttft.percentiles[50].value === null,
  );
  const why = missing?.distributions.ttft.percentiles[50].reason ?? null;
  return [
    `${run.title}\n`,
    table([header, ...rows]),
    ...(why === null ? [] : [`—: ${why}\n`]),
    ...findings,
    ...run.notes.map((note) => `${note}\n`),
  ].join('');
}

function cells(point: PointSummary): string[] {
  if (!isMeasured(point)) return [`${point.status}: ${point.reason ?? ''}`];
  const { scalars, distributions } = point;
  return [
    show('ttft', distributions.ttft.percentiles[50].value),
    show('tpot', distributions.tpot.percentiles[50].value),
    show('e2e', distributions.e2e.percentiles[50].value),
    show('throughput', scalars.throughput.value),
    show('kvUsed', scalars.kvUsed.value),
    show('kvReserved', scalars.kvReserved.value),
  ];
}

function show(metric: MetricId, value: number | null): string {
  return value === null ? '—' : valueWithUnit(value, METRICS[metric].unit);
}
