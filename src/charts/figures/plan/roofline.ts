/** The operations of a step under the roofs of the GPU: how much arithmetic each does for a byte, and how fast. */
import type { PlanOperation, PlanPhase, PlanRun, PlanSpeed } from '../../../core/run/plan.ts';
import type { FigurePoint, FigureSeries, FigureSpec, FigureUpright } from '../../figure.ts';
import { formatNumber, formatValue } from '../../format.ts';
import { planProvenance } from './subject.ts';

const DEFINITION =
  'Arithmetic intensity: floating-point operations of a kind of operation in one step, over the bytes it moves. Height: the same operations over its time. Roofs: the published bandwidth times the intensity, and the published dense rate of the format that computes; the ridge is where they meet.';

type Phase = PlanOperation['phase'];

const PHASES: readonly Phase[] = ['prefill', 'decode'];

function pointOf({ name, flops, bytes, ms, bound }: PlanOperation): FigurePoint {
  const detail = `${formatValue(ms, 'ms')} a step, bound by ${bound}.`;
  return { x: flops / bytes, y: flops / ms / 1e9, label: name, detail };
}

/** Without arithmetic, bytes or time there is no place on two logarithmic axes. */
function isPlaced({ flops, bytes, ms }: PlanOperation): boolean {
  return flops > 0 && bytes > 0 && ms > 0;
}

/** Bandwidth up to the ridge, then the dense rate, from the least intensity that is shown to the largest. */
function roofOf(
  id: string,
  { peakTflops, bandwidthGBps }: PlanPhase,
  from: number,
  to: number,
): FigureSeries {
  const ridge = (peakTflops * 1e3) / bandwidthGBps;
  const at = (x: number): FigurePoint => ({ x, y: Math.min(peakTflops, (x * bandwidthGBps) / 1e3) });
  const xs = [Math.min(from, ridge), ridge, Math.max(to, ridge * 2)];
  return { id, label: '', colour: 6, role: 'fit', points: xs.map(at) };
}

export function roofline(run: PlanRun): FigureSpec | null {
  const speed = run.deployment?.speed;
  if (!speed || !run.deployment) return null;
  const placed = speed.operations.filter(isPlaced);
  const intensities = placed.map(({ flops, bytes }) => flops / bytes);
  if (intensities.length === 0) return null;
  const [from, to] = [Math.min(...intensities), Math.max(...intensities)];
  const operations = PHASES.map((phase, colour): FigureSeries => {
    const points = placed.filter((operation) => operation.phase === phase).map(pointOf);
    return { id: phase, label: `${phase[0]?.toUpperCase() ?? ''}${phase.slice(1)}`, colour, points };
  });
  return {
    id: 'plan_roofline',
    mark: 'scatter',
    title: 'The model’s operations under the GPU’s roofs',
    x: { label: 'Arithmetic intensity', unit: 'FLOP/B', scale: 'log' },
    y: { label: 'Rate of one GPU', unit: 'TFLOP/s', scale: 'log' },
    series: [...operations.filter(({ points }) => points.length > 0), ...roofsOf(speed, from, to)],
    uprights: ridgesOf(speed),
    named: true,
    definition: DEFINITION,
    finding: findingOf(speed),
    notes: notesOf(speed),
    ...planProvenance(run, run.deployment),
    origin: speed.origin,
  };
}

/** One roof where both phases compute in the same format. */
function distinctPhases({ phases }: PlanSpeed): PlanPhase[] {
  const { prefill, decode } = phases;
  const same = prefill.peakTflops === decode.peakTflops && prefill.bandwidthGBps === decode.bandwidthGBps;
  return same ? [prefill] : [prefill, decode];
}

function roofsOf(speed: PlanSpeed, from: number, to: number): FigureSeries[] {
  return distinctPhases(speed).map((phase, index) => roofOf(`roof-${index}`, phase, from, to));
}

function ridgesOf(speed: PlanSpeed): FigureUpright[] {
  return distinctPhases(speed).map(({ ridge }) => ({
    x: ridge,
    label: `ridge ${formatNumber(ridge)} FLOP/B`,
  }));
}

function findingOf({ phases }: PlanSpeed): string {
  const words = ({ bound, arithmeticIntensity, mfu, mbu }: PlanPhase, name: string): string =>
    `${name} is bound by ${bound} at ${formatNumber(arithmeticIntensity)} FLOP/B, with ${formatValue(mfu, 'share')} of the arithmetic and ${formatValue(mbu, 'share')} of the bandwidth`;
  return `${words(phases.decode, 'Decode')}; ${words(phases.prefill, 'prefill')}.`;
}

function notesOf(speed: PlanSpeed): string[] {
  const { operations, about } = speed;
  const roofs = distinctPhases(speed).map(
    ({ peakTflops, bandwidthGBps }) =>
      `${formatNumber(peakTflops)} TFLOP/s and ${formatNumber(bandwidthGBps)} GB/s`,
  );
  const left = operations.filter((operation) => !isPlaced(operation));
  const said = left.map(({ name, phase, ms }) => `${name} in ${phase} (${formatValue(ms, 'ms')})`);
  return [
    `Roofs: ${roofs.join(', in decode ')}.`,
    ...(said.length > 0 ? [`Without arithmetic, and so not drawn: ${said.join(', ')}.`] : []),
    ...(about === '' ? [] : [about]),
  ];
}
