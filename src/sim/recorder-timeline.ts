/**
 * A request's life as spans of time: queued, each prefill chunk, decode, preempted. Made from its phases; the last span
 * of a request that had not ended when the recording did is open.
 */
import type { StepColumns } from './recorder-history.ts';
import type { RequestPhase } from './recorder-reader.ts';

export const SPAN_KINDS = ['queued', 'prefill', 'decode', 'preempted'] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

export interface RequestSpan {
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly endMs: number;
  /** prefill: tokens of the chunk; preempted: tokens that were lost; else 0. */
  readonly tokens: number;
  /** Its first step; of a wait: the step in which it began. */
  readonly step: number;
  /** False where the recording ended first. */
  readonly ended: boolean;
}

interface Open {
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly tokens: number;
  readonly step: number;
}

/**
 * @param phases of one request, in order
 * @param steps for the ends of steps
 */
export function requestSpans(phases: readonly RequestPhase[], steps: StepColumns): RequestSpan[] {
  const spans: RequestSpan[] = [];
  let open: Open | null = null;
  const close = (endMs: number, ended = true): void => {
    if (open !== null && endMs >= open.startMs) spans.push({ ...open, endMs, ended });
    open = null;
  };
  const begin = (kind: SpanKind, { timeMs, tokens, step }: RequestPhase): void => {
    open = { kind, startMs: timeMs, tokens, step };
  };
  for (const phase of phases) {
    switch (phase.kind) {
      case 'arrived':
        begin('queued', { ...phase, tokens: 0 });
        break;
      case 'admitted':
        close(phase.timeMs);
        break;
      case 'chunk':
        close(phase.timeMs);
        begin('prefill', phase);
        close(steps.endMs[phase.step] ?? phase.timeMs);
        break;
      case 'prefilled':
        begin('decode', { ...phase, tokens: 0 });
        break;
      case 'preempted':
        close(phase.timeMs);
        begin('preempted', phase);
        break;
      case 'finished':
        close(phase.timeMs);
        break;
      default:
        phase.kind satisfies never;
    }
  }
  close(steps.endMs.at(-1) ?? 0, false);
  return spans;
}
