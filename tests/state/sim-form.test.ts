/** The form of a simulation: every setting has a field with words, whatever kinds are chosen. */
import { expect, test } from 'vitest';
import type { Json } from '../../src/core/json.ts';
import { valueAt, withValueAt } from '../../src/core/scenario/layer.ts';
import { validateSimulation } from '../../src/core/scenario/parse.ts';
import { DEFAULT_SIMULATION } from '../../src/core/scenario/simulate/defaults.ts';
import { chosenPart, partsUnder, SIM_GROUPS, type FormPart } from '../../src/state/sim-form.ts';

const all = (document: Json): FormPart[] =>
  SIM_GROUPS.flatMap(({ paths }) => paths.flatMap((path) => partsUnder(document, path)));

function choose(document: Json, path: string, kind: string | null): Json {
  const changed = withValueAt(document, path, chosenPart(document, path, kind));
  if (changed === null) throw new Error(`no ${path}`);
  return changed;
}

/** Every document that differs from the defaults by one chosen kind, or one part switched on. */
function variations(): Json[] {
  return all(DEFAULT_SIMULATION).flatMap((part): Json[] => {
    if (part.kind === 'variant')
      return part.options.map((kind) => choose(DEFAULT_SIMULATION, part.path, kind));
    return part.kind === 'optional' ? [choose(DEFAULT_SIMULATION, part.path, null)] : [];
  });
}

/** Paths of plain values and lists. */
function leaves(value: unknown, path = ''): string[] {
  if (['version', 'kind', 'sweep'].includes(path)) return [];
  if (path.endsWith('.kind')) return [path.slice(0, -'.kind'.length)];
  const pair = /\.(rates|leave)$/.test(path);
  if (typeof value !== 'object' || value === null || (Array.isArray(value) && !pair)) return [path];
  const own = ['engine.speculation', 'cluster.disaggregation', 'workload.trace'].includes(path) ? [path] : [];
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, child]) => leaves(child, path ? `${path}.${key}` : key)),
  ];
}

test.each(variations().map((document) => ({ document })))(
  'a part for every setting, once, with words: %#',
  ({ document }) => {
    const parts = all(document);
    expect(parts.map(({ path }) => path).sort()).toEqual(leaves(document).sort());
    expect(parts.filter(({ label, path, help }) => help === '' || label === path)).toEqual([]);
  },
);

test('choosing a kind gives a document that still reads', () => {
  const broken = variations().flatMap((document) => {
    const read = validateSimulation(document);
    return read.ok ? [] : [read.sentence];
  });
  expect(broken).toEqual([]);
});

test('what both kinds have is kept when another is chosen', () => {
  const faster = withValueAt(DEFAULT_SIMULATION, 'workload.arrivals.rate', 3) ?? null;
  const gamma = choose(faster, 'workload.arrivals', 'gamma');
  expect(valueAt(gamma, 'workload.arrivals')).toEqual({ kind: 'gamma', rate: 3, cv: 2 });
});
