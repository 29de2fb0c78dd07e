/** The shape of a run above its time slider: stairs of blocks in use and cached, at most one stair a pixel. Pure. */
import { PHASE_KINDS } from '../../../sim/recorder-history.ts';
import type { HistoryReader } from '../../../sim/recorder-reader.ts';

export interface TraceShape {
  /** Filled paths. */
  readonly active: string;
  /** In use and cached together; lies behind `active`. */
  readonly cached: string;
  /** x of steps with a preemption, at most one a pixel. */
  readonly preemptions: readonly number[];
}

/** Step s stands between s/n and (s + 1)/n of the width; where a pixel has several, the fullest is drawn. */
export function traceShape(reader: HistoryReader, width: number, height: number): TraceShape {
  const { numBlocks, steps } = reader.history;
  const n = reader.numSteps;
  const columns = Math.max(1, Math.min(n, Math.floor(width)));
  let active = `M0,${height}`;
  let cached = `M0,${height}`;
  for (let column = 0; column < columns; column++) {
    const [from, to] = [Math.floor((column * n) / columns), Math.floor(((column + 1) * n) / columns)];
    let [mostActive, mostHeld] = [0, 0];
    for (let step = from; step < to; step++) {
      mostActive = Math.max(mostActive, steps.active[step] ?? 0);
      mostHeld = Math.max(mostHeld, (steps.active[step] ?? 0) + (steps.cached[step] ?? 0));
    }
    const right = round(((column + 1) / columns) * width);
    const y = (blocks: number) => round(height * (1 - blocks / numBlocks));
    active += `V${y(mostActive)}H${right}`;
    cached += `V${y(mostHeld)}H${right}`;
  }
  return {
    active: `${active}V${height}Z`,
    cached: `${cached}V${height}Z`,
    preemptions: preemptionsOf(reader, width),
  };
}

function preemptionsOf(reader: HistoryReader, width: number): number[] {
  const { kind, step } = reader.history.phases;
  const code = PHASE_KINDS.indexOf('preempted');
  const places = new Set<number>();
  for (let i = kind.indexOf(code); i >= 0; i = kind.indexOf(code, i + 1)) {
    places.add(Math.round((((step[i] ?? 0) + 0.5) / Math.max(1, reader.numSteps)) * width));
  }
  return [...places];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
