/** The processes of each kind of run's trace. */
import type { JsonObject } from '../../core/json.ts';
import type { AutopilotRun, AutopilotSide } from '../../core/run/autopilot.ts';
import type { LoadRun, Telemetry, WatchRun } from '../../core/run/load.ts';
import type { LabRun, ServeRun, SimRun } from '../../core/run/schema.ts';
import { settingsWords } from '../facts/fact.ts';
import { ProcessTrace, type Slice } from './process-trace.ts';

type Maybe = number | null | undefined;
type Columns = Readonly<Record<string, readonly (number | null)[]>>;

function nameOf(
  settings: Readonly<Record<string, number | string>>,
  point: number,
  repetition: number,
): string {
  return `${settingsWords(settings, point)}, repetition ${repetition + 1}`;
}

/** Waiting, prefill and decode, as far as the request came. */
function partsOf(arrival: Maybe, start: Maybe, first: Maybe, end: Maybe, waiting = 'waiting'): Slice[] {
  const known = (value: Maybe): value is number => typeof value === 'number';
  const parts: Slice[] = [];
  if (known(arrival) && known(start)) parts.push({ name: waiting, startMs: arrival, endMs: start });
  const from = known(start) ? start : arrival;
  if (known(from) && known(first)) parts.push({ name: 'prefill', startMs: from, endMs: first });
  if (known(first) && known(end)) parts.push({ name: 'decode', startMs: first, endMs: end });
  return parts;
}

function rowOf(columns: Columns, names: readonly string[], row: number): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = columns[name]?.[row];
      return value === null || value === undefined ? [] : [[name, value]];
    }),
  );
}

const REQUEST_ARGS = ['promptTokens', 'outputTokens', 'cachedTokens', 'preemptions', 'replica'] as const;

export function simTraces(run: SimRun): ProcessTrace[] {
  return run.points.flatMap(({ settings, repetitions }, point) =>
    repetitions.map(({ requests, series }, repetition) => {
      const trace = new ProcessTrace(nameOf(settings, point, repetition));
      const kept = requests.arrivalMs.length;
      const columns: Columns = {
        promptTokens: requests.promptTokens,
        outputTokens: requests.outputTokens,
        cachedTokens: requests.cachedTokens,
        preemptions: requests.preemptions,
        replica: requests.replica,
      };
      for (let row = 0; row < kept; row++) {
        trace.request(
          { request: row, ...rowOf(columns, REQUEST_ARGS, row) },
          partsOf(
            requests.arrivalMs[row],
            requests.startMs[row],
            requests.firstTokenMs[row],
            requests.endMs[row],
          ),
        );
      }
      if (kept < requests.total)
        trace.notes.push(`${trace.name}: ${kept} of ${requests.total} requests are kept.`);
      const course: Columns = {
        running: series.running,
        waiting: series.waiting,
        active: series.activeBlocks,
        cached: series.cachedBlocks,
        free: series.freeBlocks,
        preemptions: series.preemptions,
      };
      series.timeMs.forEach((time, at) => {
        if (time === null) return;
        trace.counter('requests', time, rowOf(course, ['running', 'waiting'], at));
        trace.counter('KV blocks', time, rowOf(course, ['active', 'cached', 'free'], at));
        trace.counter('preemptions', time, rowOf(course, ['preemptions'], at));
      });
      return trace;
    }),
  );
}

const STEP_ARGS = [
  'decodeSequences',
  'decodeContextTokens',
  'prefillTokens',
  'running',
  'waiting',
  'preemptions',
] as const;

export function serveTraces(run: ServeRun): ProcessTrace[] {
  return run.points.flatMap((found, point) =>
    found.repetitions.flatMap(({ measured, predicted }, repetition) =>
      [
        { side: 'measured', record: measured },
        ...(predicted === null ? [] : [{ side: 'predicted', record: predicted }]),
      ].map(({ side, record: { requests, steps } }) => {
        const trace = new ProcessTrace(`${nameOf(found.settings, point, repetition)}, ${side}`);
        const columns: Columns = {
          promptTokens: requests.promptTokens,
          outputTokens: requests.outputTokens,
          cachedTokens: requests.cachedTokens,
          preemptions: requests.preemptions,
        };
        requests.arrivalMs.forEach((arrival, row) =>
          trace.request(
            { request: row, ...rowOf(columns, REQUEST_ARGS, row) },
            partsOf(arrival, requests.startMs[row], requests.firstTokenMs[row], requests.endMs[row]),
          ),
        );
        const stepColumns: Columns = {
          decodeSequences: steps.decodeSequences,
          decodeContextTokens: steps.decodeContextTokens,
          prefillTokens: steps.prefillTokens,
          running: steps.running,
          waiting: steps.waiting,
          preemptions: steps.preemptions,
          active: steps.activeBlocks,
          cached: steps.cachedBlocks,
        };
        steps.startMs.forEach((startMs, at) => {
          const endMs = steps.endMs[at] ?? startMs;
          const name = (steps.prefillTokens[at] ?? 0) > 0 ? 'step with prompt tokens' : 'decode step';
          trace.step({ name, startMs, endMs, args: rowOf(stepColumns, STEP_ARGS, at) });
          trace.counter('requests', startMs, rowOf(stepColumns, ['running', 'waiting'], at));
          trace.counter('KV blocks', startMs, rowOf(stepColumns, ['active', 'cached'], at));
        });
        return trace;
      }),
    ),
  );
}

function telemetryCounters(trace: ProcessTrace, samples: readonly Telemetry[]): void {
  const counter = (name: string, atMs: number, values: Readonly<Record<string, number | null>>): void => {
    const known = Object.entries(values).filter(([, value]) => value !== null);
    if (known.length > 0) trace.counter(name, atMs, Object.fromEntries(known));
  };
  for (const { atMs, running, waiting, kvUsage, preemptions } of samples) {
    counter('requests at the server', atMs, { running, waiting });
    counter('KV used, share', atMs, { used: kvUsage });
    counter('preemptions', atMs, { preemptions });
  }
}

export function loadTraces(run: LoadRun): ProcessTrace[] {
  return run.points.flatMap(({ label, repetitions }) =>
    repetitions.map(({ measured: { requests, faults, telemetry } }, repetition) => {
      const trace = new ProcessTrace(`${label}, repetition ${repetition + 1}`);
      const columns: Columns = {
        askedPromptTokens: requests.askedPromptTokens,
        askedOutputTokens: requests.askedOutputTokens,
        promptTokens: requests.promptTokens,
        outputTokens: requests.outputTokens,
        cachedTokens: requests.cachedTokens,
        attempts: requests.attempts,
      };
      requests.arrivalMs.forEach((arrival, row) => {
        const parts = partsOf(
          arrival,
          requests.sentMs[row],
          requests.firstTokenMs[row],
          requests.endMs[row],
          'held back by the client',
        ).map((part) => (part.name === 'prefill' ? { ...part, name: 'to the first token' } : part));
        trace.request({ request: row, ...rowOf(columns, Object.keys(columns), row) }, parts);
      });
      for (const { row, attempt, atMs, kind, sentence } of faults) {
        trace.moment(kind, atMs, { request: row, attempt, sentence });
      }
      telemetryCounters(trace, telemetry);
      return trace;
    }),
  );
}

export function watchTraces(run: WatchRun): ProcessTrace[] {
  const trace = new ProcessTrace(`a ${run.server} server`);
  telemetryCounters(trace, run.samples);
  return [trace];
}

export function labTraces(run: LabRun): ProcessTrace[] {
  return run.points.flatMap(({ settings, repetitions }, point) =>
    repetitions.map(({ requests, steps }, repetition) => {
      const trace = new ProcessTrace(nameOf(settings, point, repetition));
      for (const { id, promptTokens, outputTokens, queuedMs, startMs, firstTokenMs, endMs } of requests) {
        trace.request(
          { request: id, promptTokens, outputTokens },
          partsOf(queuedMs, startMs, firstTokenMs, endMs),
        );
      }
      for (const { phase, startMs, wallMs, gpuMs, sequences, tokens, contextTokens } of steps) {
        const args = { sequences, tokens, contextTokens, ...(gpuMs === null ? {} : { gpuMs }) };
        trace.step({ name: phase, startMs, endMs: startMs + wallMs, args });
      }
      return trace;
    }),
  );
}

function sideTrace(name: string, { series }: AutopilotSide): ProcessTrace {
  const trace = new ProcessTrace(name);
  const columns: Columns = {
    used: series.kvUse,
    host: series.hostBytes,
    running: series.running,
    waiting: series.waiting,
    preemptions: series.preemptions,
    p95: series.p95Ms,
    ttft: series.ttftP95Ms,
  };
  series.timeMs.forEach((time, at) => {
    if (time === null) return;
    trace.counter('KV used, share', time, rowOf(columns, ['used'], at));
    trace.counter('host tier, bytes', time, rowOf(columns, ['host'], at));
    trace.counter('requests', time, rowOf(columns, ['running', 'waiting'], at));
    trace.counter('preemptions', time, rowOf(columns, ['preemptions'], at));
    trace.counter('p95, ms', time, rowOf(columns, ['p95', 'ttft'], at));
  });
  return trace;
}

export function autopilotTraces(run: AutopilotRun): ProcessTrace[] {
  const withIt = sideTrace('with the autopilot', run.with);
  for (const { kind, atMs, sentence, planId } of run.log) {
    withIt.moment(kind, atMs, { sentence, ...(planId === null ? {} : { plan: planId }) });
  }
  return run.without === null ? [withIt] : [withIt, sideTrace('without it', run.without)];
}
