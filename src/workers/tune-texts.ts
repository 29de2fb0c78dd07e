/** What to do with a tuning's winner: settings in several words, fallbacks, reports. Loaded when it is first asked for. */
import { bestPlanOf } from '../core/metrics/tune/best-plan.ts';
import type { BestPlan, Fallback } from '../core/run/best-plan.ts';
import type { TuneRun } from '../core/run/tune.ts';
import { settingsLabel } from '../core/scenario/tune/space.ts';
import { APPLY_TARGETS, applyPlan, type ApplyTarget } from '../exchange/tune/apply.ts';
import { tuneReportHtml, tuneReportMarkdown } from '../exchange/tune/report.ts';
import type { AppliedText, TuneFileKind, TuneTexts } from './tune-api.ts';

const LABELS: Readonly<Record<ApplyTarget, string>> = {
  kvlab: 'KV Lab',
  transformers: 'transformers',
  transformersjs: 'transformers.js',
  vllm: 'vLLM',
  llamacpp: 'llama.cpp',
};

export function tuneTexts(run: TuneRun): TuneTexts | null {
  const plan = bestPlanOf(run);
  if (plan === null) return null;
  const whole: AppliedText = {
    target: 'plan',
    name: 'best_plan.json',
    text: `${JSON.stringify(plan, null, 2)}\n`,
    file: 'best_plan.json',
    notes: [],
  };
  return {
    applied: [whole, ...APPLY_TARGETS.map((target) => appliedText(plan, target))],
    fallbacks: plan.fallbacks.map((fallback) => fallbackWords(plan, fallback)),
  };
}

/** A target that can't take the plan says so in its place, and leaves the others standing. */
function appliedText(plan: BestPlan, target: ApplyTarget): AppliedText {
  const name = LABELS[target];
  try {
    const { text, extension, notes } = applyPlan(plan, target);
    return { target, name, text, file: `${target}.${extension}`, notes };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { target, name, text: '', file: '', notes: [error.message] };
  }
}

function fallbackWords(plan: BestPlan, { when, use, reason }: Fallback): TuneTexts['fallbacks'][number] {
  return { when: whenWords(when), use: use === null ? 'nothing' : settingsLabel(use, plan.baseline), reason };
}

function whenWords(when: Fallback['when']): string {
  if ('memoryAbove' in when)
    return `more than ${Math.round(100 * when.memoryAbove)} % of the memory is in use`;
  if ('memoryConstrained' in when) return 'there is less memory than the plan takes';
  return `the first token takes more than ${when.ttftAboveMs} ms`;
}

export function tuneReport(run: TuneRun, kind: TuneFileKind): string {
  return kind === 'md' ? tuneReportMarkdown(run) : tuneReportHtml(run);
}
