/**
 * `kvlab simulate`: a scenario through the simulator, and the run as one answer or as files. Needs no GPU, and a browser
 * only to draw its figures as PNG beside the SVG.
 */
import { basename } from 'node:path';
import { figuresFor } from '../../charts/index.ts';
import {
  runToJson,
  simPointsToCsv,
  simRequestsToCsv,
  simSeriesToCsv,
  type SimRun,
  type SimScenario,
} from '../../index.ts';
import { profileCost, runSimulationAsync, type SimInputs } from '../../sim/index.ts';
import { InputError } from '../errors.ts';
import { writePictures } from '../figures.ts';
import { readCheck, readProfile, readTraceFile } from '../inputs.ts';
import { loadSimulation } from '../scenario.ts';
import { simulationAnswer, simulationText } from '../simulation-answer.ts';
import type { CommandContext, GpuCommandContext, Outcome } from './command.ts';

/** How long the simulation runs before Ctrl-C can be heard. */
const PAUSE_EVERY_MS = 50;

export async function simulate(context: GpuCommandContext): Promise<Outcome> {
  const { invocation, terminal } = context;
  const { scenario, inputs } = prepared(context);
  const startedAt = performance.now();
  const run = await simulated(context, scenario, inputs);
  const wallSeconds = (performance.now() - startedAt) / 1000;
  refuseImpossible(run);
  await writeFiles(context, run);
  const answer = simulationAnswer(run, wallSeconds);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : simulationText(run, answer));
  if (!run.complete) terminal.say('The simulation was stopped; the points that were finished are kept.');
  const done = run.points.filter(({ status }) => status === 'done').length;
  for (const { reason } of run.points) if (reason !== null) terminal.say(reason);
  return run.complete && done === run.points.length ? 'done' : 'failed';
}

interface Prepared {
  readonly scenario: SimScenario;
  readonly inputs: SimInputs;
}

/** The scenario as the flags change it, and the files that it names. @throws InputError */
function prepared({ invocation }: CommandContext): Prepared {
  const { set, seed, trace, profile, check } = invocation;
  const asked = [...set, ...(seed === null ? [] : [`seed=${seed}`])];
  const chosen = loadSimulation(invocation.scenario ?? '', asked);
  if (profile !== null && check !== null) {
    throw new InputError('--profile and --check are two sources of step times; give one of them.');
  }
  const given = trace === null ? null : readTraceFile(trace);
  const files = profile === null ? null : readProfile(profile, chosen.hardware.tensorParallel);
  const run = check === null ? null : readCheck(check);
  const scenario: SimScenario = {
    ...chosen,
    workload: trace === null ? chosen.workload : withTrace(chosen.workload, basename(trace), set),
    ...(profile === null ? {} : { cost: { kind: 'table' as const, name: basename(profile) } }),
    ...(check === null ? {} : { cost: { kind: 'check' as const, name: basename(check) } }),
  };
  const { workload, cost } = scenario;
  if (workload.trace !== null && given === null) {
    throw new InputError(
      `This scenario replays the trace ${workload.trace.name}; name its file with --trace.`,
    );
  }
  if (cost.kind === 'table' && files === null) {
    throw new InputError(
      `This scenario takes its times from the profile ${cost.name}; name its folder with --profile.`,
    );
  }
  const inputs: SimInputs = {
    traces: () => given ?? undefined,
    ...(files === null ? {} : { profiles: (_name, of) => profileCost(files, of) }),
    ...(run === null ? {} : { checks: () => run }),
  };
  return { scenario, inputs };
}

/** A file takes the place of the scenario's own trace; where there was none, all of it is replayed. */
function withTrace(
  workload: SimScenario['workload'],
  name: string,
  set: readonly string[],
): SimScenario['workload'] {
  const asked = workload.trace !== null || set.some((text) => text.startsWith('workload.requests='));
  return {
    ...workload,
    requests: asked ? workload.requests : 0,
    trace: { name: name.slice(0, 200), speed: workload.trace?.speed ?? 1 },
  };
}

async function simulated(
  { terminal, command, onCancel }: CommandContext,
  scenario: SimScenario,
  inputs: SimInputs,
): Promise<SimRun> {
  let stopped = false;
  let pausedAt = performance.now();
  onCancel(() => {
    terminal.say('Stopping; what is finished is kept.');
    stopped = true;
  });
  try {
    return await runSimulationAsync(scenario, {
      ...inputs,
      stamp: {
        id: crypto.randomUUID(),
        createdAt: new Date().toISOString(),
        appVersion: __APP_VERSION__,
        command,
      },
      onProgress: terminal.progress,
      shouldStop: () => stopped,
      pause: () => {
        if (performance.now() - pausedAt < PAUSE_EVERY_MS) return undefined;
        pausedAt = performance.now();
        return new Promise((resolve) => setImmediate(resolve));
      },
    });
  } finally {
    onCancel(null);
  }
}

/** A scenario none of whose points can run is bad input. @throws InputError */
function refuseImpossible({ points }: SimRun): void {
  const [first] = points;
  if (first?.reason && points.every(({ status }) => status === 'failed')) throw new InputError(first.reason);
}

async function writeFiles({ write, openHost, terminal }: GpuCommandContext, run: SimRun): Promise<void> {
  if (!write) return;
  write('run.json', runToJson(run));
  write('requests.csv', simRequestsToCsv(run));
  write('series.csv', simSeriesToCsv(run));
  write('points.csv', simPointsToCsv(run));
  await writePictures(figuresFor(run), openHost, write, terminal);
}
