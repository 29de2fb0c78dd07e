/**
 * `kvlab autopilot`: a load with an autopilot that acts on the KV cache, and the same load without it, on the simulated
 * engine. Exit status 1 where it was stopped, or where the policy's p95 is missed with the autopilot.
 */
import { randomUUID } from 'node:crypto';
import { figuresFor } from '../../charts/index.ts';
import {
  policyToYaml,
  runAutopilotScenario,
  type AutopilotRun,
  type AutopilotScenario,
} from '../../autopilot/index.ts';
import { autopilotPlansToCsv, autopilotSeriesToCsv } from '../../index.ts';
import { answerOf, textOf } from '../autopilot-answer.ts';
import { loadAutopilot } from '../autopilot-scenario.ts';
import { InputError } from '../errors.ts';
import { writePictures } from '../figures.ts';
import type { GpuCommandContext, Outcome } from './command.ts';

/** How long the run goes on before Ctrl-C can be heard. */
const PAUSE_EVERY_MS = 50;

export async function autopilot(context: GpuCommandContext): Promise<Outcome> {
  const { invocation, terminal } = context;
  const scenario = loadAutopilot(invocation);
  if (scenario.backend !== 'simulator') {
    throw new InputError(
      'This scenario acts on the real engine, which the page’s room Autopilot does; here set backend=simulator.',
    );
  }
  const startedAt = performance.now();
  const run = await steered(context, scenario);
  const answer = answerOf(run, (performance.now() - startedAt) / 1000);
  await writeFiles(context, run);
  terminal.answer(invocation.json ? `${JSON.stringify(answer)}\n` : textOf(answer));
  if (!run.complete) terminal.say('Stopped; what was done is kept.');
  return run.complete ? 'done' : 'failed';
}

async function steered(
  { terminal, command, onCancel }: GpuCommandContext,
  scenario: AutopilotScenario,
): Promise<AutopilotRun> {
  const stop = new AbortController();
  onCancel(() => {
    terminal.say('Stopping; the plan under way is taken back.');
    stop.abort();
  });
  let pausedAt = performance.now();
  try {
    return await runAutopilotScenario(scenario, {
      signal: stop.signal,
      stamp: {
        id: randomUUID(),
        createdAt: new Date().toISOString(),
        appVersion: __APP_VERSION__,
        command,
      },
      pause: () => {
        if (performance.now() - pausedAt < PAUSE_EVERY_MS) return undefined;
        pausedAt = performance.now();
        return new Promise((resolve) => setImmediate(resolve));
      },
      onNews: (news, side) => {
        if (news.kind !== 'look') return;
        const { finished, atMs } = news.telemetry;
        const share = finished / Math.max(1, scenario.simulation.workload.requests);
        const half = scenario.compare ? 0.5 : 1;
        terminal.progress({
          fraction: Math.min(1, (side === 'with' ? 0 : half) + half * share),
          message: `${side} the autopilot: ${finished} requests ended after ${(atMs / 1000).toFixed(0)} s`,
        });
      },
    });
  } catch (error) {
    // What a scenario cannot do is said in a RangeError.
    if (error instanceof RangeError) throw new InputError(error.message);
    throw error;
  } finally {
    onCancel(null);
  }
}

async function writeFiles(
  { write, openHost, terminal }: GpuCommandContext,
  run: AutopilotRun,
): Promise<void> {
  if (write === null) return;
  write('run.json', `${JSON.stringify(run)}\n`);
  write('series.csv', autopilotSeriesToCsv(run));
  write('plans.csv', autopilotPlansToCsv(run));
  write('log.jsonl', run.log.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  write('policy.yaml', policyToYaml(run.scenario.policy));
  await writePictures(figuresFor(run), openHost, write, terminal);
}
