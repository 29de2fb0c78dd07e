/** `kvlab check`: the hardware check, or with --env only what the GPU is. */
import { figuresFor } from '../../charts/index.ts';
import { checkToCsv, runToJson, type CheckRun, type Environment } from '../../index.ts';
import { table, valueWithUnit } from '../tables.ts';
import { writeFigures } from '../figures.ts';
import type { GpuCommand } from './command.ts';

export const check: GpuCommand = async ({ invocation, terminal, openHost, write }) => {
  const host = await openHost();
  if (invocation.env) {
    const environment = await host.describe();
    write?.('environment.json', toJson(environment));
    terminal.answer(invocation.json ? toJson(environment) : environmentText(environment));
    return 'done';
  }
  const run = await host.check(terminal.progress);
  if (write) {
    write('run.json', runToJson(run));
    write('check.csv', checkToCsv(run));
    await writeFigures(figuresFor(run), host, write, terminal);
  }
  terminal.answer(invocation.json ? runToJson(run) : checkText(run));
  return run.complete ? 'done' : 'failed';
};

const toJson = (value: unknown): string => `${JSON.stringify(value)}\n`;

function environmentText({ adapter, runtime, os, features, timestampQuantumNs }: Environment): string {
  const name = adapter.description || adapter.device || `${adapter.vendor} ${adapter.architecture}`;
  const rows = [
    ['adapter', `${name.trim() || 'unnamed'}${adapter.isFallback ? ' (software, on the processor)' : ''}`],
    ['asked for', adapter.powerPreference],
    ['runtime', runtime],
    ['system', os],
    ['features', features.join(', ') || 'none'],
    ['clock', clockText(features, timestampQuantumNs)],
  ];
  return table(rows);
}

function clockText(features: readonly string[], quantumNs: number | null): string {
  if (quantumNs !== null) return `the GPU’s, in steps of ${quantumNs} ns`;
  return features.includes('timestamp-query') ? 'the GPU’s; its step was not measured' : 'the host’s';
}

function checkText(run: CheckRun): string {
  const rows = run.measurements.map(({ label, value, unit, percentOfPeak, note }) => [
    label,
    value === null ? '—' : valueWithUnit(value, unit),
    percentOfPeak === null ? '' : `${Math.round(percentOfPeak)} % of peak`,
    value === null ? note : '',
  ]);
  return [environmentText(run.environment), table(rows), ...run.notes.map((note) => `${note}\n`)].join('\n');
}
