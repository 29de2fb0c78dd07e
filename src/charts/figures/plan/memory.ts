/** From a GPU's memory to its KV cache: what each step takes. */
import type { Deployment, MemoryStep, PlanRun } from '../../../core/run/plan.ts';
import type { FigurePoint, FigureSpec } from '../../figure.ts';
import { formatValue } from '../../format.ts';
import { planProvenance } from './subject.ts';

const DEFINITION =
  'Memory of one GPU of a replica, the tightest: what there is, what each step takes of it, and what is left for keys and values. A last bar below zero is what is missing.';

function pointOf({ label, bytes, formula, origin, source }: MemoryStep): StepPoint {
  return { x: label, y: bytes, detail: `${formula} (${origin}: ${source})` };
}

type StepPoint = FigurePoint & { readonly x: string };

/** Steps below this share of the memory are no taller than a line. */
const LEAST_SHARE = 0.01;

/** Every step that can be seen, and one bar for those that cannot, whose hover names them. */
function folded(steps: readonly MemoryStep[], memoryBytes: number): StepPoint[] {
  const small = steps.filter(({ bytes }) => Math.abs(bytes) < LEAST_SHARE * memoryBytes);
  if (small.length < 2) return steps.map(pointOf);
  const rest: StepPoint = {
    x: 'The rest',
    y: small.reduce((sum, { bytes }) => sum + bytes, 0),
    detail: small.map(({ label, bytes }) => `${label} ${formatValue(-bytes, 'bytes')}`).join(', '),
  };
  const tall = steps.filter((step) => !small.includes(step));
  // What is left free by the engine's setting comes last, after all that is really taken.
  const free = tall.filter(({ id }) => id === 'free').map(pointOf);
  return [...tall.filter(({ id }) => id !== 'free').map(pointOf), rest, ...free];
}

/** The first step is the memory; the last, where it is no taking, what is left. */
export function memoryWaterfall(run: PlanRun): FigureSpec | null {
  const { deployment } = run;
  const steps = deployment?.memory.steps ?? [];
  const [first, ...rest] = steps;
  if (!deployment || first === undefined) return null;
  const left = lastOf(rest, deployment);
  const taken = folded(
    rest.filter((step) => step !== left.step && step.bytes !== 0),
    first.bytes,
  );
  return {
    id: 'plan_memory',
    mark: 'waterfall',
    title: 'Where the memory of a GPU goes',
    x: {
      label: '',
      unit: '',
      scale: 'category',
      categories: [first.label, ...taken.map(({ x }) => x), left.point.x],
    },
    y: { label: 'Memory of one GPU', unit: 'bytes', scale: 'linear' },
    series: [
      { id: 'memory', label: 'Memory', colour: 6, role: 'total', points: [pointOf(first)] },
      { id: 'taken', label: 'Taken', colour: 1, points: taken },
      {
        id: 'left',
        label: left.fits ? 'For KV' : 'Missing',
        colour: left.fits ? 2 : 3,
        role: 'total',
        points: [left.point],
      },
    ],
    definition: DEFINITION,
    finding: deployment.memory.verdict,
    notes: deployment.memory.remedies.map((remedy) => `Instead: ${remedy}`),
    ...planProvenance(run, deployment),
  };
}

interface Left {
  /** The step that the last bar stands for; null: none of them, the bar is the sum. */
  readonly step: MemoryStep | null;
  readonly point: StepPoint;
  readonly fits: boolean;
}

/** Steps end with what is left for KV; where nothing is, what is missing takes its place. */
function lastOf(rest: readonly MemoryStep[], { memory }: Deployment): Left {
  const last = rest.at(-1);
  const closes = last !== undefined && (last.bytes > 0 || isRemainder(memory.steps));
  const step = closes || (last !== undefined && last.bytes === 0) ? last : null;
  const taken = memory.steps.filter((one) => one !== step);
  const sum = taken.reduce((total, { bytes }) => total + bytes, 0);
  if (sum < 0) {
    return { step, point: { x: 'Missing', y: sum, detail: memory.verdict }, fits: false };
  }
  const detail = `${formatValue(memory.kvTokens, 'tokens')} of one replica`;
  return { step, point: { x: step?.label ?? 'KV cache', y: step?.bytes ?? sum, detail }, fits: true };
}

/** Whether the last step repeats the sum of those before it. */
function isRemainder(steps: readonly MemoryStep[]): boolean {
  const before = steps.slice(0, -1).reduce((total, { bytes }) => total + bytes, 0);
  const last = steps.at(-1)?.bytes ?? 0;
  return Math.abs(before - last) <= 1e-6 * Math.max(1, Math.abs(before));
}
