/** What was run: the settings of a scenario that are not the default, and the machine; of two runs what differs. */
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { adapterName } from '../../core/run/adapter-name.ts';
import type { Run } from '../../core/run/schema.ts';
import { SCENARIO_KINDS } from '../../core/scenario/kinds.ts';
import { diffLayer, valueAt } from '../../core/scenario/layer.ts';
import type { ReportPart } from './parts.ts';

const LONGEST = 160;
const WORDS_ONLY = new Set(['title', 'about', 'softwareAdapter']);

function leaves(layer: JsonObject, path: string): [string, Json][] {
  return Object.entries(layer).flatMap(([name, value]): [string, Json][] => {
    const here = path === '' ? name : `${path}.${name}`;
    if (value === undefined || WORDS_ONLY.has(here)) return [];
    return isJsonObject(value) ? leaves(value, here) : [[here, value]];
  });
}

function show(value: Json | undefined): string {
  if (value === undefined || value === null) return 'none';
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).slice(0, LONGEST);
}

function machine(run: Run): string[][] {
  switch (run.kind) {
    case 'simulate':
      return run.points[0] === undefined ? [] : [['cost model', run.points[0].costModel]];
    case 'load':
      return [
        ['server', [run.server.kind, run.server.version ?? ''].join(' ').trim()],
        ['model', run.model],
        ['client', run.client],
      ];
    case 'watch':
      return [
        ['server', run.server],
        ['seconds between samples', String(run.intervalSeconds)],
      ];
    case 'imported':
      return [
        ['file', run.file],
        ['tool', run.tool],
        ['importer', run.tested],
      ];
    case 'lab':
    case 'check':
    case 'quality':
    case 'serve':
    case 'autopilot':
      return run.environment === null
        ? []
        : [
            ['device', adapterName(run.environment.adapter)],
            ['runtime', run.environment.runtime],
          ];
    case 'tune':
    case 'plan':
      return [];
    default:
      return run satisfies never;
  }
}

/** As JSON values: what a scenario has is a document. */
function documentOf(run: Run): JsonObject | null {
  const document: unknown = 'scenario' in run ? JSON.parse(JSON.stringify(run.scenario)) : null;
  return isJsonObject(document) ? document : null;
}

export function conditions(run: Run): ReportPart[] {
  const document = documentOf(run);
  const defaults: unknown =
    'scenario' in run ? JSON.parse(JSON.stringify(SCENARIO_KINDS[run.scenario.kind].defaults)) : null;
  const settings =
    document === null || !isJsonObject(defaults)
      ? []
      : leaves(diffLayer(defaults, document), '').map(([path, value]) => [path, show(value)]);
  const rows = [...machine(run), ...settings];
  return [
    ...(rows.length === 0 ? [] : [{ kind: 'table', head: ['Setting', 'Value'], rows } as const]),
    ...(document === null
      ? []
      : [
          { kind: 'text', text: 'Every other setting is the default. The whole scenario:' } as const,
          { kind: 'code', text: JSON.stringify(document, null, 2), language: 'json' } as const,
        ]),
  ];
}

/** A change means the differences, not the runs: each is named. */
export function differences(run: Run, baseline: Run): ReportPart[] {
  const [a, b] = [documentOf(baseline), documentOf(run)];
  const paths = a === null || b === null ? [] : leaves(diffLayer(a, b), '').map(([path]) => path);
  const rows = paths.map((path) => [path, show(valueAt(a ?? {}, path)), show(valueAt(b ?? {}, path))]);
  const [before, after] = [machine(baseline), machine(run)];
  const machines = after.flatMap(([name = '', value = '']) => {
    const other = before.find(([known]) => known === name)?.[1] ?? 'none';
    return other === value ? [] : [[name, other, value]];
  });
  const all = [...machines, ...rows];
  if (all.length === 0) return [{ kind: 'text', text: 'Nothing: scenario and machine are the same.' }];
  return [{ kind: 'table', head: ['Setting', 'Before', 'After'], rows: all }];
}
