/** Where the accesses of `kvlab accesses` come from: a recorded log, a simulated run, or the demonstration. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { AccessSource } from '../charts/index.ts';
import {
  AccessLogError,
  AccessLogReader,
  applyAssignments,
  demoAccessLog,
  expandSweep,
  parseRun,
  PRESETS,
  type AccessLog,
  type SimScenario,
} from '../index.ts';
import { accessLogOf, profileCost, recordingTask, type SimInputs } from '../sim/index.ts';
import type { CommandContext } from './commands/command.ts';
import { InputError } from './errors.ts';
import { readProfile, readTraceFile } from './inputs.ts';
import { wholeNumber } from './numbers.ts';
import { eachLine } from './read.ts';
import { loadSimulation } from './scenario.ts';

export interface Accesses {
  readonly log: AccessLog;
  readonly source: AccessSource;
}

const MAX_RUN_BYTES = 500_000_000;
const MAX_DEMO = 1_000_000;
const HEAD_BYTES = 4096;

/** Lets the process hear a Ctrl-C; true when it did. */
export type Pause = () => Promise<boolean>;

/** @throws InputError */
export async function readAccesses(context: CommandContext, pause: Pause): Promise<Accesses> {
  const { demo, seed, scenario: subject } = context.invocation;
  if (demo !== null) return demonstration(context, demo, seed);
  const path = subject ?? '';
  if (PRESETS.some(({ name }) => name === path))
    return simulated(context, loadSimulation(path, assignments(context)), pause);
  switch (kindOf(path)) {
    case 'log':
      return recorded(context, path);
    case 'document':
      return simulated(context, scenarioOf(context, path), pause);
  }
}

function demonstration(context: CommandContext, demo: string, seed: string | null): Accesses {
  const count = wholeNumber('--demo', demo, 1, MAX_DEMO);
  const log = demoAccessLog(count, seed === null ? 1 : wholeNumber('--seed', seed, 0, 4_294_967_295));
  const source: AccessSource = {
    subtitle: 'Demonstration: made-up chat sessions over an LRU prefix cache of 96 blocks',
    origin: 'simulated',
    source: { runId: 'demo', command: context.command },
  };
  return { log, source };
}

/** A log's lines are rows, or JSON objects one a line; anything else in braces is a run or a scenario. */
function kindOf(path: string): 'log' | 'document' {
  const head = headOf(path);
  if (!head.trimStart().startsWith('{')) return 'log';
  try {
    const first: unknown = JSON.parse(head.trimStart().split('\n', 1)[0] ?? '');
    return typeof first === 'object' && first !== null && 'block' in first ? 'log' : 'document';
  } catch {
    return 'document';
  }
}

function headOf(path: string): string {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = new Uint8Array(HEAD_BYTES);
      return new TextDecoder().decode(bytes.subarray(0, readSync(file, bytes)));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const code =
      typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
    throw new InputError(`${path} can't be read (${code}); name a run.json of simulate, or an access log.`);
  }
}

function recorded(context: CommandContext, path: string): Accesses {
  const reader = new AccessLogReader();
  try {
    eachLine(path, 'an access log', (line) => reader.push(line));
    const source: AccessSource = {
      subtitle: `Recorded log ${basename(path)}`,
      origin: 'measured',
      source: { runId: basename(path), command: context.command },
    };
    return { log: reader.finish(), source };
  } catch (error) {
    throw error instanceof AccessLogError ? new InputError(`${path}: ${error.message}`) : error;
  }
}

function assignments({ invocation: { set, seed } }: CommandContext): string[] {
  return [...set, ...(seed === null ? [] : [`seed=${seed}`])];
}

/** The scenario of a run's file, or a scenario's. @throws InputError */
function scenarioOf(context: CommandContext, path: string): SimScenario {
  if (statSync(path).size > MAX_RUN_BYTES) {
    throw new InputError(`${path} has more than ${MAX_RUN_BYTES} bytes; name its scenario instead.`);
  }
  const text = readFileSync(path, 'utf8');
  if (!/"points"\s*:/.test(text)) return loadSimulation(path, assignments(context));
  const parsed = parseRun(text);
  if (!parsed.ok) throw new InputError(`${path}: ${parsed.sentence}`);
  if (parsed.run.kind !== 'simulate') {
    throw new InputError(`${path} is a run on a GPU, which records no blocks; name a run.json of simulate.`);
  }
  const changed = applyAssignments(parsed.run.scenario, assignments(context));
  if (!changed.ok) throw new InputError(changed.sentence);
  return changed.scenario;
}

/** Runs the scenario's first point again, which gives the same blocks, and listens to them. */
async function simulated(context: CommandContext, scenario: SimScenario, pause: Pause): Promise<Accesses> {
  const { terminal, command } = context;
  const points = expandSweep(scenario);
  const point = points[0]?.scenario ?? scenario;
  if (point.engine.prefixCache === 'off') {
    throw new InputError('engine.prefixCache is off, so no block is looked up; set it to hash with --set.');
  }
  const task = recordingTask(point, inputsOf(context, point));
  let turn = nextOf(task);
  while (!turn.done) {
    terminal.progress({ fraction: turn.value.fraction, message: 'Simulating' });
    if (await pause()) throw new InputError('It was stopped before the first access; nothing was written.');
    turn = nextOf(task);
  }
  const { history, requests, costModel } = turn.value;
  const log = accessLogOf(history, requests);
  if (log.block.length === 0) {
    throw new InputError(
      'No request looked up a block that another one could share; choose a workload with shared text, or a trace with block ids.',
    );
  }
  const label = points[0]?.label ?? '';
  const { engine, model, hardware } = point;
  return {
    log,
    source: {
      subtitle: `${point.title} · ${model} on ${hardware.gpu}, ${history.numBlocks} blocks of ${engine.blockSize} tokens`,
      origin: 'simulated',
      notes: [
        `Step times: ${costModel}.`,
        ...(points.length > 1 ? [`The first of ${points.length} points: ${label}.`] : []),
        ...(isMany(point) ? ['The blocks of the first replica.'] : []),
        ...(history.stopped ? [history.stopped.reason] : []),
      ],
      source: { runId: point.title.slice(0, 60), command },
    },
  };
}

function isMany({ cluster }: SimScenario): boolean {
  return cluster.replicas > 1 || cluster.disaggregation !== null;
}

/** An impossible scenario is a RangeError in one sentence. */
function nextOf<T extends { next(): unknown }>(task: T): ReturnType<T['next']> {
  try {
    return task.next() as ReturnType<T['next']>;
  } catch (error) {
    throw error instanceof RangeError ? new InputError(error.message) : error;
  }
}

/** Files that the scenario names. @throws InputError for one that is not given */
function inputsOf(
  { invocation: { trace, profile } }: CommandContext,
  { workload, cost, hardware }: SimScenario,
): SimInputs {
  if (workload.trace !== null && trace === null) {
    throw new InputError(
      `This scenario replays the trace ${workload.trace.name}; name its file with --trace.`,
    );
  }
  if (cost.kind === 'table' && profile === null) {
    throw new InputError(
      `This scenario takes its times from the profile ${cost.name}; name its folder with --profile.`,
    );
  }
  if (cost.kind === 'check') {
    throw new InputError(
      'This scenario takes its times from a hardware check; set another with --set cost.kind=….',
    );
  }
  const given = trace === null ? undefined : readTraceFile(trace);
  const files = profile === null ? null : readProfile(profile, hardware.tensorParallel);
  return {
    traces: () => given,
    ...(files === null ? {} : { profiles: (_name, of) => profileCost(files, of) }),
  };
}
