/**
 * A run of ours as measured results: what it measured is in our definitions already. A simulated or planned run is no
 * measurement and is refused.
 */
import { isJsonObject, type Json, type Read } from '../../core/json.ts';
import { RUN_KINDS } from '../../core/run/document.ts';
import {
  FIGURE_LABELS,
  MEASURED_TIMES,
  NO_DISTRIBUTION,
  NO_MEMORY,
  type FigureDefinition,
  type MeasuredDistribution,
  type MeasuredResult,
} from '../../core/run/measured.ts';
import { parseRun } from '../../core/run/parse.ts';
import type { Run } from '../../core/run/schema.ts';
import type { FactDistribution, RunFact } from '../facts/fact.ts';
import { factsOf } from '../facts/of-run.ts';
import { became, refused } from './importer.ts';

export function isOwnRun(document: Json): boolean {
  return isJsonObject(document) && RUN_KINDS.has(document['kind']) && document['version'] !== undefined;
}

function timesOf(found: FactDistribution | null): MeasuredDistribution {
  if (found === null) return NO_DISTRIBUTION;
  const { mean, p50, p90, p95, p99 } = found;
  return { mean, p50, p90, p95, p99 };
}

const OWN: readonly FigureDefinition[] = MEASURED_TIMES.map((time) =>
  became(FIGURE_LABELS[time], 'KV Lab’s own', time),
);

function resultOf(run: Run, fact: RunFact): MeasuredResult {
  return {
    tool: 'kvlab',
    toolVersion: 'appVersion' in run ? run.appVersion : null,
    model: fact.model,
    date: run.createdAt.slice(0, 60),
    label: `${fact.label}${fact.repetition > 0 ? `, repetition ${fact.repetition + 1}` : ''}`.slice(0, 120),
    load: {
      requestsPerSecond: fact.requestRate,
      concurrency: fact.concurrency,
      promptTokens: fact.promptTokens,
      outputTokens: fact.outputTokens,
    },
    requests: { finished: fact.finished, failed: fact.failed },
    durationSeconds: fact.durationMs === null ? null : fact.durationMs / 1000,
    ttftMs: timesOf(fact.times.ttftMs),
    tpotMs: timesOf(fact.times.tpotMs),
    itlMs: timesOf(fact.times.itlMs),
    e2eMs: timesOf(fact.times.e2eMs),
    requestsPerSecond: fact.requestsPerSecond,
    outputTokensPerSecond: fact.outputTokensPerSecond,
    memory: NO_MEMORY,
    definitions: [...OWN],
    translated: [],
  };
}

/** The points of a measured run; of an import those that it holds. */
export function ownResults(document: Json): Read<MeasuredResult[]> {
  const parsed = parseRun(document);
  if (!parsed.ok) return parsed;
  const { run } = parsed;
  if (run.kind === 'imported') return { ok: true, value: [...run.points] };
  const facts = factsOf(run);
  if (!facts.ok) return refused(`This is a ${run.kind} run of KV Lab. ${facts.sentence}`);
  const measured = facts.value.filter(({ origin, times }) => origin === 'measured' && times.e2eMs !== null);
  return measured.length === 0
    ? refused(
        `This is a ${run.kind} run of KV Lab without a measured request; take a load, serve or lab run.`,
      )
    : { ok: true, value: measured.map((fact) => resultOf(run, fact)) };
}
