/** What plans did: the quality that each lost on its shadow, and how far each brought the KV use. */
import { AUTOPILOT_METRICS, PLAN_STATUS_WORDS } from '../../../core/metrics/autopilot/definitions.ts';
import type { AutopilotRun, PlanState } from '../../../core/run/autopilot.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { autopilotProvenance, planNumber } from './subject.ts';

/** Bars that one figure can name. */
const MOST_BARS = 24;

function newest(plans: readonly PlanState[]): {
  readonly shown: readonly PlanState[];
  readonly notes: string[];
} {
  const left = plans.length - MOST_BARS;
  if (left <= 0) return { shown: plans, notes: [] };
  return {
    shown: plans.slice(left),
    notes: [`${left} earlier plans are not drawn; the run’s file holds them.`],
  };
}

/** From what was measured to the bound that holds. */
function intervalOf({ qualityDelta, qualityUpper }: PlanState): Pick<FigurePoint, 'low' | 'high'> {
  if (qualityDelta === null || qualityUpper === null) return {};
  return { low: qualityDelta, high: Math.max(qualityDelta, qualityUpper) };
}

export function qualityByPlan(run: AutopilotRun): FigureSpec | null {
  const measured = run.plans.filter(({ qualityDelta }) => qualityDelta !== null);
  if (measured.length === 0) return null;
  const { shown, notes } = newest(measured);
  const { maxQualityDelta } = run.scenario.policy;
  const over = measured.filter(({ qualityDelta }) => (qualityDelta ?? 0) > maxQualityDelta);
  const kept = measured.filter(({ status }) => status === 'completed');
  return {
    id: 'autopilot_quality',
    mark: 'bar',
    title: 'Quality lost on the shadow, plan by plan',
    x: { label: 'Plan', unit: '', scale: 'category' },
    y: { label: AUTOPILOT_METRICS.qualityDelta.title, unit: '', scale: 'linear' },
    series: [
      {
        id: 'quality',
        label: '',
        colour: 0,
        points: shown.map((plan): FigurePoint => ({
          x: planNumber(plan),
          y: plan.qualityDelta,
          ...intervalOf(plan),
          detail: PLAN_STATUS_WORDS[plan.status],
        })),
      },
    ],
    references: [{ y: maxQualityDelta, label: 'most that the policy allows' }],
    definition: AUTOPILOT_METRICS.qualityDelta.definition,
    intervalMeaning: 'up to the 95 % bound that holds however often it is looked at',
    finding:
      `${formatNumber(over.length)} of ${formatNumber(measured.length)} shadowed plans lost more than ` +
      `${formatValue(maxQualityDelta, '')}; ${formatNumber(kept.length)} ${kept.length === 1 ? 'was' : 'were'} kept.`,
    ...autopilotProvenance(run, notes),
  };
}

export function useByPlan(run: AutopilotRun): FigureSpec | null {
  const done = run.plans.filter(({ kvUseAfter }) => kvUseAfter !== null);
  if (done.length === 0) return null;
  const { shown, notes } = newest(done);
  const { kvUseTarget } = run.scenario.policy;
  const reached = done.filter(({ kvUseAfter }) => (kvUseAfter ?? 1) <= kvUseTarget);
  const bars = (id: 'kvUseBefore' | 'kvUseAfter', label: string, colour: number) => ({
    id,
    label,
    colour,
    quantity: id,
    points: shown.map((plan): FigurePoint => ({
      x: planNumber(plan),
      y: plan[id],
      detail: `${PLAN_STATUS_WORDS[plan.status]}; ${plan.cause}`,
    })),
  });
  return {
    id: 'autopilot_plans',
    mark: 'bar',
    title: 'KV use before and after each plan',
    x: { label: 'Plan', unit: '', scale: 'category' },
    y: { label: AUTOPILOT_METRICS.kvUse.title, unit: 'share', scale: 'linear' },
    series: [bars('kvUseBefore', 'before', 1), bars('kvUseAfter', 'after', 0)],
    references: [{ y: kvUseTarget, label: 'target' }],
    definition: AUTOPILOT_METRICS.kvUse.definition,
    finding: `${formatNumber(reached.length)} of ${formatNumber(done.length)} plans ended at ${formatValue(kvUseTarget, 'share')} or below.`,
    ...autopilotProvenance(run, notes),
  };
}
