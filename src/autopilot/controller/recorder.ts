/** Looks at the cache: telemetry into columns, the log and the news. */
import type { AutopilotSeries, AutopilotTelemetry } from '../../core/run/autopilot.ts';
import type { AuditLog } from '../log/index.ts';
import { percent } from '../planner/index.ts';
import type { AutopilotPlant } from '../plant.ts';
import { Growth } from './growth.ts';
import type { AutopilotNews } from './options.ts';

/** Rows of the columns; with more, every other one is dropped. */
const MOST_ROWS = 20_000;

type Columns = { [K in keyof AutopilotSeries]: (number | null)[] };

export class Recorder {
  readonly #plant: AutopilotPlant;
  readonly #log: AuditLog;
  readonly #onNews: (news: AutopilotNews) => void;
  readonly #columns: Columns = {
    timeMs: [],
    kvUse: [],
    hostBytes: [],
    running: [],
    waiting: [],
    preemptions: [],
    p95Ms: [],
    ttftP95Ms: [],
    outputTokensPerSecond: [],
  };
  readonly growth = new Growth();
  #looks = 0;
  #stride = 1;

  constructor(plant: AutopilotPlant, log: AuditLog, onNews: (news: AutopilotNews) => void) {
    this.#plant = plant;
    this.#log = log;
    this.#onNews = onNews;
  }

  get series(): AutopilotSeries {
    return this.#columns;
  }

  look(): AutopilotTelemetry {
    const telemetry = this.#plant.telemetry();
    this.growth.look(telemetry);
    if (this.#looks++ % this.#stride === 0) this.#push(telemetry);
    const { kvUse, running, waiting, p95Ms } = telemetry;
    const p95 = p95Ms === null ? 'no request ended' : `p95 ${Math.round(p95Ms)} ms`;
    this.#log.add({
      kind: 'telemetry',
      atMs: this.#plant.nowMs,
      sentence: `KV use ${percent(kvUse)}, ${running} running, ${waiting} waiting, ${p95}.`,
    });
    this.#onNews({
      kind: 'look',
      telemetry,
      sequences: this.#plant.sequences(),
      limits: this.#plant.limits(),
      counters: this.#plant.counters(),
    });
    return telemetry;
  }

  #push(telemetry: AutopilotTelemetry): void {
    const row: Readonly<Record<keyof AutopilotSeries, number | null>> = {
      timeMs: telemetry.atMs,
      kvUse: telemetry.kvUse,
      hostBytes: telemetry.hostBytes,
      running: telemetry.running,
      waiting: telemetry.waiting,
      preemptions: telemetry.preemptions,
      p95Ms: telemetry.p95Ms,
      ttftP95Ms: telemetry.ttftP95Ms,
      outputTokensPerSecond: telemetry.outputTokensPerSecond,
    };
    for (const [name, column] of Object.entries(this.#columns)) {
      column.push(row[name as keyof AutopilotSeries]);
      if (column.length > MOST_ROWS) halve(column);
    }
    if (this.#columns.timeMs.length * this.#stride < this.#looks - this.#stride) this.#stride *= 2;
  }
}

function halve(column: (number | null)[]): void {
  const kept = column.filter((_, row) => row % 2 === 0);
  column.splice(0, column.length, ...kept);
}
