/** An autopilot's run while it goes on, put together from its news, so that views and figures read it like any other. */
import type { AutopilotNews } from '../autopilot/controller/options.ts';
import type { Side } from '../autopilot/run.ts';
import type {
  AuditEntry,
  AutopilotCounters,
  AutopilotRun,
  AutopilotSeries,
  AutopilotSide,
  AutopilotTelemetry,
  KvLimits,
  PlanState,
  SequenceState,
} from '../core/run/autopilot.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';

/** Rows of what is shown while it goes on; the run at the end has them all. */
const MOST_LOOKS = 600;
const MOST_LOG = 200;
const MOST_SEQUENCES = 100;

const NO_COUNTERS: AutopilotCounters = {
  tokensEvicted: 0,
  tokensQuantized: 0,
  tokensOffloaded: 0,
  tokensFetched: 0,
  reuseHits: 0,
  reuseMisses: 0,
  applies: 0,
  rollbacks: 0,
};
const NO_LIMITS: KvLimits = {
  maxSequences: 0,
  tokenBudget: 0,
  admissionBelowUse: 1,
  prefixCacheBlocks: null,
};

export interface LiveStamp {
  readonly id: string;
  readonly createdAt: string;
  readonly appVersion: string;
}

class LiveSide {
  looks: AutopilotTelemetry[] = [];
  counters = NO_COUNTERS;
  #stride = 1;
  #seen = 0;

  look(telemetry: AutopilotTelemetry, counters: AutopilotCounters): void {
    this.counters = counters;
    if (this.#seen++ % this.#stride === 0) this.looks.push(telemetry);
    else this.looks[this.looks.length - 1] = telemetry;
    if (this.looks.length <= MOST_LOOKS) return;
    this.looks = this.looks.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }

  side(): AutopilotSide {
    return { series: seriesOf(this.looks), summary: null, counters: this.counters };
  }
}

function seriesOf(looks: readonly AutopilotTelemetry[]): AutopilotSeries {
  const column = (read: (look: AutopilotTelemetry) => number | null) => looks.map(read);
  return {
    timeMs: column(({ atMs }) => atMs),
    kvUse: column(({ kvUse }) => kvUse),
    hostBytes: column(({ hostBytes }) => hostBytes),
    running: column(({ running }) => running),
    waiting: column(({ waiting }) => waiting),
    preemptions: column(({ preemptions }) => preemptions),
    p95Ms: column(({ p95Ms }) => p95Ms),
    ttftP95Ms: column(({ ttftP95Ms }) => ttftP95Ms),
    outputTokensPerSecond: column(({ outputTokensPerSecond }) => outputTokensPerSecond),
  };
}

export class LiveRun {
  readonly #scenario: AutopilotScenario;
  readonly #stamp: LiveStamp;
  readonly #origin: AutopilotRun['origin'];
  readonly #sides: Readonly<Record<Side, LiveSide>> = { with: new LiveSide(), without: new LiveSide() };
  readonly #plans = new Map<string, PlanState>();
  #log: AuditEntry[] = [];
  #sequences: readonly SequenceState[] = [];
  #limits = NO_LIMITS;

  constructor(scenario: AutopilotScenario, stamp: LiveStamp) {
    this.#scenario = scenario;
    this.#stamp = stamp;
    this.#origin = scenario.backend === 'simulator' ? 'simulated' : 'measured';
  }

  hear(news: AutopilotNews, side: Side): void {
    if (news.kind === 'look') {
      this.#sides[side].look(news.telemetry, news.counters);
      if (side === 'without') return;
      this.#sequences = news.sequences;
      this.#limits = news.limits;
    } else if (side === 'with') {
      if (news.kind === 'plan') this.#plans.set(news.plan.planId, news.plan);
      else this.#log = [...this.#log.slice(1 - MOST_LOG), news.entry];
    }
  }

  plan(planId: string): PlanState | null {
    return this.#plans.get(planId) ?? null;
  }

  /** Requests that are over, of one side. */
  ended(side: Side): number {
    const look = this.#sides[side].looks.at(-1);
    return look === undefined ? 0 : look.finished + look.failed;
  }

  run(): AutopilotRun {
    const other = this.#sides.without;
    const largest = this.#sequences.toSorted((a, b) => b.gpuBytes - a.gpuBytes).slice(0, MOST_SEQUENCES);
    return {
      version: RUN_VERSION,
      kind: 'autopilot',
      ...this.#stamp,
      title: this.#scenario.title,
      origin: this.#origin,
      command: null,
      environment: null,
      scenario: this.#scenario,
      with: this.#sides.with.side(),
      without: other.looks.length === 0 ? null : other.side(),
      plans: [...this.#plans.values()],
      log: this.#log,
      sequences: largest.map((sequence) => ({ ...sequence })),
      limits: this.#limits,
      notes: [],
      complete: false,
    };
  }
}
