/** Figures of an autopilot's run: KV use, latency and throughput over time, with it and without; what its plans did. */
import type { AutopilotRun } from '../../../core/run/autopilot.ts';
import type { FigureSpec } from '../../figure.ts';
import { compareFigures } from '../compare.ts';
import { overTime } from './over-time.ts';
import { qualityByPlan, useByPlan } from './plans.ts';

function figuresOf(run: AutopilotRun): FigureSpec[] {
  return [...overTime(run), ...[qualityByPlan(run), useByPlan(run)].flatMap((spec) => spec ?? [])];
}

/** Over time both runs stand in one figure; plans are each run's own. */
function isShared({ mark }: FigureSpec): boolean {
  return mark === 'line';
}

function namesOf(first: string, second: string): [string, string] {
  return first === second ? ['A', 'B'] : [first, second];
}

export function autopilotFigures(run: AutopilotRun, other?: AutopilotRun): FigureSpec[] {
  const figures = figuresOf(run);
  if (other === undefined) return figures;
  const others = figuresOf(other);
  const [name, otherName] = namesOf(run.title, other.title);
  const both = figures.flatMap((spec) => {
    const second = others.find(({ id }) => id === spec.id);
    if (second === undefined) return [{ ...spec, title: `${spec.title}, ${name}` }];
    if (isShared(spec)) return [compareFigures({ name, spec }, { name: otherName, spec: second })];
    return [
      { ...spec, title: `${spec.title}, ${name}` },
      { ...second, id: `${second.id}_other`, title: `${second.title}, ${otherName}` },
    ];
  });
  const further = others.filter(({ id }) => figures.every((spec) => spec.id !== id));
  return [...both, ...further.map((spec) => ({ ...spec, title: `${spec.title}, ${otherName}` }))];
}
