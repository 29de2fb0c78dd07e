/** The autopilot over the simulated engine, without the worker around it: one run at a time, which hears a stop. */
import type { AutopilotNews as Happened } from '../autopilot/controller/options.ts';
import { runAutopilotScenario, type AutopilotRunOptions, type Side } from '../autopilot/run.ts';
import type { AutopilotRun } from '../core/run/autopilot.ts';
import type { ActCommand } from '../core/scenario/autopilot/action.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import { replayLog } from '../autopilot/log/replay.ts';
import { createSimulatedPlant } from '../autopilot/simulated/plant.ts';
import { runActScript } from '../autopilot/act/index.ts';
import type { AutopilotDeskApi, AutopilotWorkerApi, HandAnswer, OnAutopilotNews } from './autopilot-api.ts';
import { LiveRun } from './autopilot-live.ts';
import { Pacer } from './autopilot-pace.ts';
import { outcomeOf } from './outcome.ts';

export interface AutopilotPlatform {
  readonly now: () => number;
  readonly date: () => string;
  readonly newId: () => string;
  readonly appVersion: string;
  /** Lets messages in, after `ms` at the earliest. */
  readonly sleep: (ms: number) => Promise<void>;
}

const WORDS_EVERY_MS = 100;
const PARTIAL_EVERY_MS = 300;

/** What goes on, and the ways to end it. */
export class Going {
  /** The run ends at once. */
  readonly cancelled = new AbortController();
  /** No plan is made any more; the cache serves on. */
  readonly stopped = new AbortController();
  #release: () => void = () => undefined;

  get isOver(): boolean {
    return this.cancelled.signal.aborted;
  }

  get isStopped(): boolean {
    return this.isOver || this.stopped.signal.aborted;
  }

  /** Waits for a yes. @throws Error where it was stopped meanwhile */
  async wait(): Promise<void> {
    await new Promise<void>((resolve) => (this.#release = resolve));
    if (this.isStopped) throw new Error('It was stopped while it waited.');
  }

  goOn(): void {
    this.#release();
  }

  stop(): void {
    this.stopped.abort();
    this.#release();
  }

  cancel(): void {
    this.cancelled.abort();
    this.#release();
  }
}

/** A script, and what the cache holds behind it. */
function actOf(scenario: AutopilotScenario, script: readonly ActCommand[]): HandAnswer {
  const lines = runActScript(scenario, [...script, { kind: 'report' }]);
  const report = lines.at(-1)?.report ?? null;
  if (report === null) throw new Error('The cache did not report what it holds.');
  return { lines: lines.slice(0, -1), report };
}

export function createAutopilotService(platform: AutopilotPlatform): AutopilotWorkerApi & AutopilotDeskApi {
  let going: Going | null = null;
  return {
    run: (scenario, pace, onNews) =>
      outcomeOf(async () => {
        going?.cancel();
        const own = (going = new Going());
        try {
          return await steer(platform, own, scenario, pace, onNews);
        } finally {
          if (going === own) going = null;
        }
      }),
    act: (scenario, script) => outcomeOf(() => Promise.resolve(actOf(scenario, script))),
    score: (wish) => outcomeOf(async () => (await import('./autopilot-score.ts')).scoreAgainst(wish)),
    replay: ({ log, scenario }) =>
      outcomeOf(() => replayLog(log, createSimulatedPlant(scenario, { autopilot: true }))),
    goOn: () => going?.goOn(),
    stop: () => going?.stop(),
    cancel: () => going?.cancel(),
  };
}

/** @param backend how the plant is made; left out: the simulated engine */
export async function steer(
  { now, sleep, newId, date, appVersion }: AutopilotPlatform,
  going: Going,
  scenario: AutopilotScenario,
  pace: Parameters<AutopilotWorkerApi['run']>[1],
  onNews: OnAutopilotNews,
  backend: Pick<AutopilotRunOptions, 'createPlant' | 'environment'> = {},
): Promise<AutopilotRun> {
  const stamp = { id: newId(), createdAt: date(), appVersion };
  const live = new LiveRun(scenario, stamp);
  const teller = new Teller(live, scenario, now, onNews);
  const pacer = new Pacer({ pace, isOver: () => going.isOver, now, sleep });
  return runAutopilotScenario(scenario, {
    ...backend,
    stamp: { ...stamp, command: null },
    signal: going.cancelled.signal,
    stop: going.stopped.signal,
    pause: () => pacer.pause(),
    faults: async ({ planId }) => {
      if (going.isStopped) return;
      await pacer.before(planId, async () => {
        teller.hold(planId);
        await going.wait();
        teller.release();
      });
    },
    onNews: (news, side) => {
      live.hear(news, side);
      if (news.kind === 'look') pacer.looked(news.telemetry.atMs);
      teller.tell(news, side);
    },
  });
}

/** News on their way to the page: often in words, a few times a second as a run. */
class Teller {
  readonly #live: LiveRun;
  readonly #scenario: AutopilotScenario;
  readonly #now: () => number;
  readonly #onNews: OnAutopilotNews;
  #toldMs = -Infinity;
  #partialMs: number;
  #message = 'Starting';
  #fraction: number | null = 0;
  #side: Side = 'with';

  constructor(live: LiveRun, scenario: AutopilotScenario, now: () => number, onNews: OnAutopilotNews) {
    this.#live = live;
    this.#scenario = scenario;
    this.#now = now;
    this.#onNews = onNews;
    this.#partialMs = now();
  }

  tell(news: Happened, side: Side): void {
    if (news.kind !== 'look') return;
    const { telemetry } = news;
    const which = side === 'with' ? 'Steered' : 'The same without the autopilot';
    this.#message = `${which}: ${(telemetry.atMs / 1000).toFixed(1)} s, ${telemetry.running} running`;
    this.#fraction = this.#done(side);
    this.#side = side;
    const atMs = this.#now();
    if (atMs >= this.#partialMs + PARTIAL_EVERY_MS) this.#send({ partial: this.#live.run() });
    else if (atMs >= this.#toldMs + WORDS_EVERY_MS) this.#send({});
  }

  hold(planId: string): void {
    this.#send({ partial: this.#live.run(), held: this.#live.plan(planId) });
  }

  release(): void {
    this.#send({ held: null });
  }

  #send(more: Partial<Parameters<OnAutopilotNews>[0]>): void {
    this.#onNews({ fraction: this.#fraction, message: this.#message, side: this.#side, ...more });
    this.#toldMs = this.#now();
    if (more.partial !== undefined) this.#partialMs = this.#toldMs;
  }

  /** Of the requests of both sides; null where the workload does not say how many there are. */
  #done(side: Side): number | null {
    const { backend, simulation, serving } = this.#scenario;
    const { requests } = (backend === 'simulator' ? simulation : serving).workload;
    if (requests === 0) return null;
    const share = Math.min(1, this.#live.ended(side) / requests);
    if (!this.#scenario.compare) return share;
    return side === 'with' ? share / 2 : 0.5 + share / 2;
  }
}
