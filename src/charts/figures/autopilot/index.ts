/** Figures of an autopilot's run: KV use, latency and throughput over time, with it and without. */
import type { AutopilotRun } from '../../../core/run/autopilot.ts';
import type { FigureSpec } from '../../figure.ts';

export function autopilotFigures(_run: AutopilotRun, _other?: AutopilotRun): FigureSpec[] {
  return [];
}
