/**
 * Any run as a report, or two beside each other: go or no-go, before and after, counters, figures, conditions, notes.
 *
 * Boundary: reads runs; nothing is simulated or measured here. Plans and tunings have reports of their own, which are used.
 */
import { figuresFor } from '../../charts/figures/index.ts';
import type { FigureSpec } from '../../charts/figure.ts';
import {
  judge,
  judgeObjectives,
  sampledRun,
  type Judgement,
  type Rule,
  type SampledRun,
} from '../../core/metrics/regression/index.ts';
import type { Run } from '../../core/run/schema.ts';
import { planReport } from '../plan/report.ts';
import { tuneReport } from '../tune/report.ts';
import { beforeAfter } from './before-after.ts';
import { conditions, differences } from './conditions.ts';
import { counterParts } from './counters.ts';
import { kindParts } from './kinds.ts';
import { reportHtml, reportMarkdown, section, type ReportPart } from './parts.ts';

export interface ReportOptions {
  /** What the run is held against; of any kind that has requests. */
  readonly baseline?: Run | null;
  readonly rules?: readonly Rule[];
  /** Advice that was asked for beside it: title, and sentences under it. */
  readonly advice?: readonly { readonly title: string; readonly sentences: readonly string[] }[];
  /** False leaves the figures out. */
  readonly figures?: boolean;
}

export interface RunReport {
  readonly title: string;
  readonly parts: readonly ReportPart[];
  /** Those that stand in it, to be written beside a Markdown text. */
  readonly figures: readonly FigureSpec[];
  /** null without rules, or for a run that has no requests. */
  readonly judgement: Judgement | null;
}

function judgementOf(
  run: SampledRun | null,
  baseline: SampledRun | null,
  rules: readonly Rule[],
): Judgement | null {
  return run === null || rules.length === 0 ? null : judge(run, baseline, rules);
}

function objectiveParts(run: SampledRun | null): ReportPart[] {
  if (run === null) return [];
  const verdicts = judgeObjectives(run);
  const items = verdicts.map(({ point, sentence }) => (point === '' ? sentence : `${point}: ${sentence}`));
  return section('Go or no-go', [{ kind: 'list', items }]);
}

function ruleParts(judgement: Judgement | null): ReportPart[] {
  if (judgement === null) return [];
  const rows = judgement.rules.map(({ rule, point, verdict, sentence }) => [rule, point, verdict, sentence]);
  return section('Rules', [{ kind: 'table', head: ['Rule', 'Point', 'Verdict', 'Why'], rows }]);
}

function adviceParts(advice: ReportOptions['advice']): ReportPart[] {
  if (advice === undefined) return [];
  const items = advice.map(({ title, sentences }) => [title, ...sentences].join(' '));
  return section('Advice', [
    items.length === 0 ? { kind: 'text', text: 'Nothing to change was found.' } : { kind: 'list', items },
  ]);
}

function provenance(run: Run): string {
  const when = run.createdAt === '' ? '' : `, ${run.createdAt}`;
  const version =
    'appVersion' in run ? run.appVersion : 'environment' in run ? (run.environment?.appVersion ?? '') : '';
  return `${run.origin}, KV Lab ${version}${when}${run.command === null ? '' : `: ${run.command}`}`;
}

/** The baseline first, so that figures and their findings read from before to after. */
function figuresOf(run: Run, baseline: Run | null): FigureSpec[] {
  return baseline?.kind === run.kind ? figuresFor(baseline, run) : figuresFor(run);
}

/** A plan or a tuning by its own report. */
function ownReport(run: Run): ReportPart[] | null {
  if (run.kind === 'plan') return planReport(run);
  return run.kind === 'tune' ? tuneReport(run) : null;
}

export function runReport(run: Run, options: ReportOptions = {}): RunReport {
  const { baseline = null, rules = [] } = options;
  const title = baseline === null ? run.title : `${run.title}, against ${baseline.title}`;
  const own = baseline === null ? ownReport(run) : null;
  if (own !== null) {
    const parts = [...own, ...adviceParts(options.advice)];
    return {
      title,
      parts,
      figures: parts.flatMap((part) => (part.kind === 'figures' ? part.figures : [])),
      judgement: null,
    };
  }
  const [sampled, before] = [sampledRun(run), baseline === null ? null : sampledRun(baseline)];
  const judgement = judgementOf(sampled, before, rules);
  const figures = options.figures === false ? [] : figuresOf(run, baseline);
  const about = 'scenario' in run && 'about' in run.scenario ? run.scenario.about : '';
  const parts: ReportPart[] = [
    { kind: 'heading', text: title, level: 1 },
    ...(about === '' ? [] : [{ kind: 'text', text: about } as const]),
    ...objectiveParts(sampled),
    ...ruleParts(judgement),
    ...(sampled !== null && before !== null ? beforeAfter(sampled, before) : []),
    ...adviceParts(options.advice),
    ...counterParts(run, baseline),
    ...kindParts(run, baseline),
    ...section('Figures', figures.length === 0 ? [] : [{ kind: 'figures', figures }]),
    ...section('What was run', conditions(run)),
    ...(baseline === null ? [] : section('What differs', differences(run, baseline))),
    ...section('Notes', run.notes.length === 0 ? [] : [{ kind: 'list', items: run.notes }]),
    ...(run.complete
      ? []
      : [{ kind: 'text', text: 'The run is not complete: it was cancelled or cut short.' } as const]),
    { kind: 'text', text: provenance(run) },
  ];
  return { title, parts, figures, judgement };
}

/** The figures are files beside it, by their names. */
export function runReportMarkdown(run: Run, options: ReportOptions = {}): string {
  return reportMarkdown(runReport(run, options).parts);
}

/** One file with everything inside; it fetches nothing and runs nothing. */
export function runReportHtml(run: Run, options: ReportOptions = {}): string {
  const { title, parts } = runReport(run, options);
  return reportHtml(title, parts);
}
