/**
 * What to change after a run: every rule looks for its evidence, tries its changes in the simulator, and what proves itself
 * is ranked. Five recommendations at most; each was tried by itself, so two of them together may bring less than their sum.
 */
import '../core/all-records.ts';
import type { Run } from '../core/run/schema.ts';
import { consider } from './consider.ts';
import { labAdvice } from './lab.ts';
import { RULES } from './rules/index.ts';
import { subjectOf } from './subject/index.ts';
import { TRIAL_REQUESTS, TRIAL_SEEDS, Trials } from './trial.ts';
import {
  AdviseError,
  RULE_IDS,
  type Advice,
  type AdviseOptions,
  type Considered,
  type Recommendation,
} from './types.ts';

const MOST = 5;

/** The better one of two that turn the same screw. */
function withoutRivals(ranked: readonly Recommendation[]): {
  kept: Recommendation[];
  dropped: Recommendation[];
} {
  const [kept, dropped]: [Recommendation[], Recommendation[]] = [[], []];
  const taken = new Set<string>();
  for (const one of ranked) {
    const main = one.changes[0]?.path ?? one.id;
    const rival = taken.has(main) || kept.length >= MOST;
    (rival ? dropped : kept).push(one);
    taken.add(main);
  }
  return { kept, dropped };
}

/** With what became of every rule. @throws AdviseError for a run that no advice can be given on */
export async function advice(run: Run, options: AdviseOptions = {}): Promise<Advice> {
  const { seeds = TRIAL_SEEDS, requests = TRIAL_REQUESTS, only = RULE_IDS, quality = [] } = options;
  if (run.kind === 'lab') return labAdvice(run, only, quality);
  const read = subjectOf(run, options);
  if (!read.ok) throw new AdviseError(read.sentence);
  const { subject } = read;
  const trials = new Trials(subject.inputs, { seeds, requests });
  const considered: Considered[] = [];
  const found: Recommendation[] = [];
  const asked = RULE_IDS.filter((id) => only.includes(id));
  for (const [at, id] of asked.entries()) {
    if (options.signal?.aborted === true) break;
    options.onProgress?.({ fraction: at / asked.length, message: `Looking at ${id.replace('-', ' ')}` });
    const verdict = await consider(RULES[id], subject, trials, quality, async () => options.pause?.());
    considered.push(verdict.considered);
    if (verdict.recommendation !== null) found.push(verdict.recommendation);
  }
  const { kept, dropped } = withoutRivals([...found].sort((a, b) => b.score - a.score));
  const outranked = new Set(dropped.map(({ id }) => id));
  return {
    recommendations: kept,
    considered: considered.map((one) => (outranked.has(one.id) ? { ...one, outcome: 'outranked' } : one)),
    notes: subject.notes,
  };
}

/** The recommendations alone. @throws AdviseError for a run that no advice can be given on */
export async function advise(run: Run, options: AdviseOptions = {}): Promise<readonly Recommendation[]> {
  return (await advice(run, options)).recommendations;
}
