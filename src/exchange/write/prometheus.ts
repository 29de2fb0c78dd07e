/**
 * A run as Prometheus text: a HELP and a TYPE for every name, a line for each fact with its labels, no time stamp, so that
 * the same text is a textfile collector's file (`*.prom`), which refuses stamps.
 *
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4). Base units only: seconds,
 * bytes, ratios from 0 to 1. Every line says whether its figure was measured or simulated. The names of kv-optkit
 * (`kvopt_*`, archokshi/kv-optkit) may stand beside ours, for dashboards that know those.
 */
import type { Read } from '../../core/json.ts';
import type { Run } from '../../core/run/schema.ts';
import type { RunFact } from '../facts/fact.ts';
import { factsOf } from '../facts/of-run.ts';
import { METRIC_FAMILIES, type MetricFamily } from './metric-families.ts';

export interface PrometheusOptions {
  /** Names of kv-optkit beside ours. */
  readonly kvopt: boolean;
}

function escapedLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function labelsOf(run: Run, fact: RunFact): string {
  const labels: readonly (readonly [string, string])[] = [
    ['run', run.id],
    ['kind', run.kind],
    ['origin', fact.origin],
    ['point', fact.label],
    ['repetition', String(fact.repetition)],
    ...(fact.model === null ? [] : [['model', fact.model] as const]),
  ];
  return labels.map(([name, value]) => `${name}="${escapedLabel(value)}"`).join(',');
}

/** Numbers as Go's ParseFloat reads them. */
function shown(value: number): string {
  return Object.is(value, -0) ? '0' : String(value);
}

function familyText(
  run: Run,
  facts: readonly RunFact[],
  family: MetricFamily,
  name = family.name,
  scale = 1,
): string {
  const lines = facts.flatMap((fact) => {
    const labels = labelsOf(run, fact);
    return family.samples(fact).flatMap(([extra, value]) => {
      if (value === null || !Number.isFinite(value)) return [];
      const all = extra === null ? labels : `${labels},${extra[0]}="${escapedLabel(extra[1])}"`;
      return [`${name}{${all}} ${shown(value * scale)}\n`];
    });
  });
  if (lines.length === 0) return '';
  return `# HELP ${name} ${escapedHelp(family.help)}\n# TYPE ${name} ${family.type}\n${lines.join('')}`;
}

/** The text; a name without a value is left out. */
export function prometheusText(run: Run, options: PrometheusOptions = { kvopt: false }): Read<string> {
  const facts = factsOf(run);
  if (!facts.ok) return facts;
  const text = METRIC_FAMILIES.map(
    (family) =>
      familyText(run, facts.value, family) +
      (options.kvopt && family.kvopt !== null
        ? familyText(run, facts.value, family, family.kvopt.name, family.kvopt.scale)
        : ''),
  ).join('');
  return text === ''
    ? { ok: false, sentence: `“${run.title}” has no figure that is a metric; run it to its end.` }
    : { ok: true, value: text };
}
