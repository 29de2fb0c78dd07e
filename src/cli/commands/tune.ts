/**
 * `kvlab tune`: the best settings for a profile of work, found by measuring: in the simulator, or on this GPU with the
 * attention kernels or a real model.
 */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { stringify } from 'yaml';
import { figuresFor } from '../../charts/index.ts';
import { WEIGHT_FORMATS } from '../../gpu/index.ts';
import {
  bestPlanOf,
  resolveTuning,
  runToJson,
  tuneReportHtml,
  tuneReportMarkdown,
  tuneRowsToCsv,
  tuneSamplesToCsv,
  type TuneRun,
  type TuneScenario,
} from '../../index.ts';
import { withoutSecrets } from '../../endpoints/index.ts';
import { createEndpointExecutor, createSimulatorExecutor, thereAlready, tune } from '../../tune/index.ts';
import { asked, endpointOf } from '../endpoint.ts';
import { CommandError, InputError } from '../errors.ts';
import { writePictures } from '../figures.ts';
import type { ModelOnDisk } from '../host.ts';
import { modelFiles } from '../model-files.ts';
import { shippedModelFolder } from '../shipped-model.ts';
import { startedServer } from '../started-server.ts';
import { loadTuning, readTuneRun } from '../tune-scenario.ts';
import { tuneAnswer, tuneText } from '../tune-answer.ts';
import type { GpuCommandContext, Outcome } from './command.ts';

/** How long the simulator runs before Ctrl-C can be heard. */
const PAUSE_EVERY_MS = 50;

export async function tuneCommand(context: GpuCommandContext): Promise<Outcome> {
  const { invocation, terminal } = context;
  const scenario = loadTuning(invocation);
  const path = invocation.given('resume');
  const resume = path === null ? null : readTuneRun(path);
  const startedAt = performance.now();
  const run = await measured(context, scenario, resume);
  const answer = await tuneAnswer(run, (performance.now() - startedAt) / 1000);
  await writeFiles(context, run);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : tuneText(run, answer));
  if (!run.complete) terminal.say('Not over; --resume goes on from the run.json that --out wrote.');
  return run.complete ? 'done' : 'failed';
}

function measured(
  context: GpuCommandContext,
  scenario: TuneScenario,
  resume: TuneRun | null,
): Promise<TuneRun> {
  switch (scenario.executor) {
    case 'simulator':
      return simulated(context, scenario, resume);
    case 'kernels':
      return onThisGpu(context, scenario, resume, null);
    case 'engine':
      return onThisGpu(context, scenario, resume, modelOf(context, scenario));
    case 'endpoint':
      return onServer(context, scenario, resume);
    default:
      return scenario.executor satisfies never;
  }
}

/** The folder of --model, else the model that ships with the page. */
function modelOf({ invocation }: GpuCommandContext, scenario: TuneScenario): ModelOnDisk {
  const weightFormat = WEIGHT_FORMATS.find((format) => format === resolveTuning(scenario).baseline.weights);
  if (weightFormat === undefined)
    throw new InputError('The baseline’s weights are none that a model is loaded with.');
  const files = modelFiles(invocation.model ?? shippedModelFolder());
  return { ...files, load: { weightFormat, budgetBytes: null } };
}

async function onThisGpu(
  { openHost, terminal }: GpuCommandContext,
  scenario: TuneScenario,
  resume: TuneRun | null,
  model: ModelOnDisk | null,
): Promise<TuneRun> {
  const host = await openHost();
  try {
    return await host.tune({ scenario, resume, model }, terminal.progress);
  } catch (error) {
    // What no setting can do is the person's to change.
    const own = error instanceof CommandError && (error.code === 'tune' || error.code === 'other-tuning');
    throw own ? new InputError(error.message) : error;
  }
}

async function simulated(
  { terminal, command, onCancel }: GpuCommandContext,
  scenario: TuneScenario,
  resume: TuneRun | null,
): Promise<TuneRun> {
  const cancel = new AbortController();
  let pausedAt = performance.now();
  onCancel(() => {
    terminal.say('Stopping; what is measured is kept.');
    cancel.abort();
  });
  try {
    return await tune(scenario, createSimulatorExecutor(scenario), {
      resume,
      signal: cancel.signal,
      stamp: {
        id: crypto.randomUUID(),
        createdAt: new Date().toISOString(),
        appVersion: __APP_VERSION__,
        command,
      },
      now: () => performance.now(),
      onProgress: ({ fraction, message }) => terminal.progress({ fraction, message }),
      pause: () => {
        if (performance.now() - pausedAt < PAUSE_EVERY_MS) return undefined;
        pausedAt = performance.now();
        return new Promise((resolve) => setImmediate(resolve));
      },
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw new InputError(error.message);
    throw error;
  } finally {
    onCancel(null);
  }
}

/** On the server that --endpoint names; with --start it is started anew for each candidate. */
async function onServer(
  { invocation, terminal, command, onCancel }: GpuCommandContext,
  scenario: TuneScenario,
  resume: TuneRun | null,
): Promise<TuneRun> {
  const endpoint = endpointOf(invocation.given('endpoint'), '--endpoint', 'tune --executor endpoint');
  const start = invocation.given('start');
  const server = start === null ? thereAlready(endpoint) : startedServer(start, endpoint);
  const cancel = new AbortController();
  onCancel(() => {
    terminal.say('Stopping; what is measured is kept.');
    cancel.abort();
  });
  try {
    return await asked(endpoint, async () => {
      const client = `Node ${process.versions.node} on ${process.platform}`;
      const executor = await createEndpointExecutor(scenario, server, { client, signal: cancel.signal });
      return tune(scenario, executor, {
        resume,
        signal: cancel.signal,
        stamp: {
          id: crypto.randomUUID(),
          createdAt: new Date().toISOString(),
          appVersion: __APP_VERSION__,
          command: withoutSecrets(command, endpoint),
        },
        now: () => performance.now(),
        onProgress: ({ fraction, message }) => terminal.progress({ fraction, message }),
      });
    });
  } catch (error) {
    const own =
      error instanceof Error && 'code' in error && ['tune', 'infeasible'].includes(String(error.code));
    throw own ? new InputError(error.message) : error;
  } finally {
    onCancel(null);
    await server.close();
  }
}

/** One file by its ending, or a folder of everything. */
const FILES: Readonly<Record<string, (run: TuneRun) => string>> = {
  '.json': (run) => `${JSON.stringify(bestPlanOf(run), null, 2)}\n`,
  '.yaml': (run) => stringify(bestPlanOf(run)),
  '.md': tuneReportMarkdown,
  '.html': tuneReportHtml,
};

export function isOneFile(out: string): boolean {
  return extname(out).toLowerCase() in FILES;
}

async function writeFiles(
  { invocation, write, openHost, terminal }: GpuCommandContext,
  run: TuneRun,
): Promise<void> {
  const { out } = invocation;
  if (out === null) return;
  const render = FILES[extname(out).toLowerCase()];
  if (render !== undefined) {
    writeOne(out, render(run));
    return;
  }
  if (write === null) return;
  write('run.json', runToJson(run));
  write('best_plan.json', `${JSON.stringify(bestPlanOf(run), null, 2)}\n`);
  write('ranking.csv', tuneRowsToCsv(run));
  write('measurements.csv', tuneSamplesToCsv(run));
  write('report.md', tuneReportMarkdown(run));
  write('report.html', tuneReportHtml(run));
  await writePictures(figuresFor(run), openHost, write, terminal);
}

function writeOne(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InputError(`${path} can't be written (${reason}); name another file with --out.`);
  }
}
