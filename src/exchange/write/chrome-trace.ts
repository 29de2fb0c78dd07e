/**
 * A run as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing open: each repetition is a process, its requests
 * stand in lanes with a slice for waiting, prefill and decode, its steps in a lane of their own, its course as counters.
 *
 * Format: "Trace Event Format", times in microseconds. X: a slice with its length; C: counters; i: a moment; M: names.
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU. Kinds without times of requests, steps
 * or samples are refused.
 */
import type { JsonObject, Read } from '../../core/json.ts';
import type { Run } from '../../core/run/schema.ts';
import { ProcessTrace } from './process-trace.ts';
import {
  autopilotTraces,
  labTraces,
  loadTraces,
  serveTraces,
  simTraces,
  watchTraces,
} from './trace-of-run.ts';

function tracesOf(run: Run): readonly ProcessTrace[] | null {
  switch (run.kind) {
    case 'simulate':
      return simTraces(run);
    case 'serve':
      return serveTraces(run);
    case 'load':
      return loadTraces(run);
    case 'lab':
      return labTraces(run);
    case 'watch':
      return watchTraces(run);
    case 'autopilot':
      return autopilotTraces(run);
    case 'check':
    case 'quality':
    case 'tune':
    case 'plan':
    case 'imported':
      return null;
    default:
      return run satisfies never;
  }
}

/** The document; requests that the run's file does not keep are not in it, and it says so. */
export function chromeTrace(run: Run): Read<JsonObject> {
  const traces = tracesOf(run);
  if (traces === null) {
    return {
      ok: false,
      sentence: `A ${run.kind} run has no course in time; a trace is made of simulate, serve, load, lab, watch and autopilot runs.`,
    };
  }
  const events = traces.flatMap((trace, at) => trace.events(at + 1));
  if (events.length === 0) {
    return { ok: false, sentence: `“${run.title}” has no finished repetition; run it to its end.` };
  }
  return {
    ok: true,
    value: {
      traceEvents: events,
      displayTimeUnit: 'ms',
      otherData: {
        run: run.id,
        title: run.title,
        kind: run.kind,
        origin: run.origin,
        createdAt: run.createdAt,
        notes: traces.flatMap(({ notes }) => notes),
      },
    },
  };
}
