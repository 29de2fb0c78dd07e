/** How much of the deployment the load uses in each hour of the day. */
import type { PlanRun } from '../../../core/run/plan.ts';
import type { FigureSpec } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { planProvenance } from './subject.ts';

const HOURS = 24;
const DEFINITION =
  'Utilization: the rate of requests in each hour, as the plan’s load gives it, over the most that the deployment could carry. 100 % leaves no room for queueing.';

/** Null where the load has no course over the day. */
export function utilizationByHour(run: PlanRun): FigureSpec | null {
  const { deployment, scenario } = run;
  const { hours, rate } = scenario.load;
  const most = deployment?.speed?.maxRequestsPerSecond ?? 0;
  if (hours === null || rate === null || !deployment || most <= 0) return null;
  const shares = hours.map((share) => (share * rate) / most);
  const mean = shares.reduce((sum, share) => sum + share, 0) / HOURS;
  const peak = Math.max(...shares);
  const at = shares.indexOf(peak);
  return {
    id: 'plan_utilization',
    mark: 'area',
    title: 'Utilization over the day',
    x: { label: 'Hour of the day', unit: 'h', scale: 'linear', tight: true },
    y: { label: 'Utilization', unit: 'share', scale: 'linear' },
    series: [
      {
        id: 'utilization',
        label: '',
        colour: 0,
        step: true,
        // The last hour lasts until midnight.
        points: [...shares, shares.at(-1) ?? 0].map((y, x) => ({ x, y })),
      },
    ],
    references: [{ y: 1, label: 'all that it can carry' }],
    definition: DEFINITION,
    finding: `${formatValue(mean, 'share')} of the deployment is used on average over the day, ${formatValue(peak, 'share')} at most, at ${at} o’clock (${formatNumber((hours[at] ?? 0) * rate)} requests/s).`,
    ...planProvenance(run, deployment),
  };
}
