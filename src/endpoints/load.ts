/**
 * A load scenario on a server: probe, warm-up, then every point of the sweep with its calibrating and kept repetitions, and
 * beside each kept one what the simulator says of the same requests.
 *
 * What goes wrong with requests is counted and never hidden; a run stops where the server is gone, and keeps what it has.
 */
import { createRandom } from '../core/random.ts';
import { summarizeLoad } from '../core/metrics/load/summary.ts';
import type { LoadedServer, LoadPoint, LoadRecord, LoadRun, Telemetry } from '../core/run/load.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import { loadPoints, type LoadPointPlan } from '../core/scenario/load/points.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import { requestTable, type RequestTable } from '../core/schedule/requests.ts';
import { generateRequests } from '../core/workload/generate.ts';
import type { Trace } from '../core/workload/traces/trace.ts';
import { seedOf } from '../sim/run.ts';
import { resetPrefixCache } from './control.ts';
import { driveLoad, type CourseNews, type Driven, type DriveProgress } from './drive.ts';
import { withoutSecrets, type Endpoint } from './endpoint.ts';
import { EndpointError } from './fault.ts';
import { fitLoad, predictLoad } from './predict.ts';
import { chooseModel, probe } from './probe.ts';
import { promptWriter, type PromptParts } from './prompts.ts';
import { saturation } from './saturation.ts';
import { scrape } from './telemetry.ts';
import { tokenRate } from './token-rate.ts';

export interface LoadProgress {
  readonly fraction: number | null;
  readonly message: string;
}

export interface LoadOptions {
  readonly signal: AbortSignal;
  readonly trace: Trace | null;
  readonly stamp: {
    readonly id: string;
    /** ISO 8601, UTC. */
    readonly createdAt: string;
    readonly appVersion: string;
    readonly command: string | null;
    /** What sends: Node or a browser, with its version. */
    readonly client: string;
  };
  /** Draws the texts beside the seed, so that a server's cache knows none of an earlier load of the same seed. */
  readonly texts?: number;
  /** Connections to one host that the client opens at once, as browsers bound them over HTTP/1.1; left out: no bound. */
  readonly connections?: number;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** The course of what goes on; every repetition begins with `begin`. */
  readonly onCourse?: (news: LoadNews) => void;
}

export type LoadNews =
  CourseNews | { readonly kind: 'begin'; readonly label: string; readonly kept: boolean };

/** @throws EndpointError in one sentence where no load can be sent */
export async function runLoad(
  scenario: LoadScenario,
  endpoint: Endpoint,
  options: LoadOptions,
): Promise<LoadRun> {
  const server = await probe(endpoint);
  const model = chooseModel(server, scenario.model);
  const run = new LoadingRun(scenario, endpoint, options, server, model);
  await run.prepare();
  return run.run();
}

type Tokens = PromptParts['tokens'];

/** Share of the prompts found in a cache that is more than a first token or two. */
const FOUND = 0.1;

class LoadingRun {
  readonly #scenario: LoadScenario;
  readonly #endpoint: Endpoint;
  readonly #options: LoadOptions;
  readonly #server: LoadedServer;
  readonly #model: string;
  readonly #notes: string[] = [];
  readonly #points: LoadPoint[] = [];
  #tokens: Tokens = { kind: 'text', rate: { base: 0, perWord: 1 } };
  #stopped: string | null = null;
  /** Where the client's connections bound it. */
  #mostInFlight: number | null = null;

  constructor(
    scenario: LoadScenario,
    endpoint: Endpoint,
    options: LoadOptions,
    server: LoadedServer,
    model: string,
  ) {
    this.#scenario = scenario;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#server = server;
    this.#model = model;
  }

  /** How words and tokens go together on this server. @throws EndpointError */
  async prepare(): Promise<void> {
    this.#tell(0, 'Asking the server how it counts tokens');
    const { prompts, api } = this.#scenario;
    if (prompts.as === 'ids') {
      const vocabulary = prompts.vocabulary ?? this.#server.vocabulary;
      if (vocabulary === null) {
        throw new EndpointError(
          'bad request',
          'The server does not tell the size of its vocabulary; set prompts.vocabulary, or prompts.as=text.',
        );
      }
      this.#tokens = { kind: 'ids', vocabulary };
      return;
    }
    const { signal } = this.#options;
    let failures = 0;
    const rate = await tokenRate(
      this.#endpoint,
      { api, model: this.#model, signal },
      this.#server,
      () => failures++,
    );
    if (failures > 0) {
      const times = failures === 1 ? 'once' : `${failures} times`;
      this.#notes.push(`Before the load the server failed ${times} while it was asked how it counts tokens.`);
    }
    if (rate === null) {
      this.#notes.push(
        'The server does not count tokens, so one word stands for one token and lengths are assumed.',
      );
      return;
    }
    this.#tokens = { kind: 'text', rate };
  }

  async run(): Promise<LoadRun> {
    await this.#warmUp();
    const plans = loadPoints(this.#scenario);
    for (const plan of plans) {
      const before = this.#points.at(-1) ?? null;
      if (this.#stopped !== null || before?.saturated != null)
        this.#points.push(skipped(plan, this.#stopped ?? before?.saturated ?? ''));
      else this.#points.push(await this.#point(plan, plans.length));
    }
    return this.#result();
  }

  async #warmUp(): Promise<void> {
    const { warmupRequests } = this.#scenario.measurement;
    if (warmupRequests === 0) return;
    this.#tell(0, 'Warm-up');
    const row = { arrivalMs: 0, promptTokens: 16, outputTokens: 8 };
    const requests = requestTable(Array.from({ length: warmupRequests }, () => row));
    const workload = { ...this.#scenario.workload, sharing: { kind: 'none' } as const };
    await this.#drive(
      { ...this.#scenario, workload, telemetrySeconds: 0 },
      requests,
      (this.#scenario.seed ^ 1) >>> 0,
      () => undefined,
    );
  }

  async #point(plan: LoadPointPlan, points: number): Promise<LoadPoint> {
    const { label, settings, index } = plan;
    const scenario = this.#bounded(plan.scenario);
    const { repeats, calibrationRepeats } = scenario.measurement;
    const random = createRandom(scenario.seed);
    const rounds = [
      ...Array.from({ length: calibrationRepeats }, (_, i) => ({
        kept: false,
        seed: random.fork(`calibration ${i}`).nextU32(),
      })),
      ...Array.from({ length: repeats }, (_, i) => ({ kept: true, seed: seedOf(scenario.seed, i) })),
    ];
    const [kept, calibration]: [LoadRecord[], LoadRecord[]] = [[], []];
    for (const [number, round] of rounds.entries()) {
      if (this.#stopped !== null) break;
      const requests = this.#requests(scenario, round.seed);
      await this.#reset();
      this.#options.onCourse?.({ kind: 'begin', label, kept: round.kept });
      const { record, stopped } = await this.#drive(
        scenario,
        requests,
        round.seed,
        ({ share, inFlight, failed }) => {
          const fraction = (index + (number + share) / rounds.length) / points;
          const what = round.kept ? 'measuring' : 'calibrating';
          this.#tell(
            fraction,
            `${label}: ${what}, ${inFlight} in flight${failed > 0 ? `, ${failed} failed` : ''}`,
          );
        },
        this.#options.onCourse,
      );
      (round.kept ? kept : calibration).push(record);
      this.#stopped ??= stopped;
    }
    return this.#made(scenario, { label, settings }, kept, calibration);
  }

  /** Within the client's bound on connections, one of which asks for metrics; what has to wait for one is late at the client. */
  #bounded(scenario: LoadScenario): LoadScenario {
    const { connections } = this.#options;
    if (connections === undefined) return scenario;
    const watched = this.#server.metrics && scenario.telemetrySeconds > 0;
    const free = Math.max(1, connections - (watched ? 1 : 0));
    if (scenario.client.maxInFlight <= free) return scenario;
    this.#mostInFlight = free;
    return { ...scenario, client: { ...scenario.client, maxInFlight: free } };
  }

  #made(
    scenario: LoadScenario,
    named: Pick<LoadPoint, 'label' | 'settings'>,
    kept: readonly LoadRecord[],
    calibration: readonly LoadRecord[],
  ): LoadPoint {
    const fit = fitLoad(calibration);
    const repetitions = kept.map((measured) => ({
      measured,
      predicted:
        fit === null ? null : predictLoad(scenario, this.#server, fit, measured.seed, this.#options.trace),
    }));
    const failed =
      kept.length > 0 && kept.every(({ requests }) => requests.endMs.every((end) => end === null));
    const first = kept.concat(calibration).flatMap(({ faults }) => faults)[0];
    const point: LoadPoint = {
      label: named.label.slice(0, 200),
      settings: { ...named.settings },
      status: failed || kept.length === 0 ? 'failed' : 'done',
      reason: failed || kept.length === 0 ? (this.#stopped ?? first?.sentence ?? null) : null,
      saturated: null,
      fit,
      repetitions,
      calibration: [...calibration],
    };
    return {
      ...point,
      saturated: saturation(scenario, this.#scenario.sweep, this.#points.at(-1) ?? null, point),
    };
  }

  /** @throws EndpointError where the workload is impossible, on this server */
  #requests(scenario: LoadScenario, seed: number): RequestTable {
    const { workload, prompts } = scenario;
    const table = generateRequests(
      { workload, seed, engine: { blockSize: prompts.blockTokens } },
      this.#options.trace,
    );
    const most = this.#server.maxModelTokens;
    for (let row = 0; most !== null && row < table.size; row++) {
      const tokens = (table.promptTokens[row] ?? 0) + (table.outputTokens[row] ?? 0);
      if (tokens <= most) continue;
      throw new EndpointError(
        'bad request',
        `Request ${row + 1} has ${tokens} tokens with its output, more than the ${most} that the server takes; shorten workload.promptTokens or workload.outputTokens.`,
      );
    }
    return table;
  }

  #drive(
    scenario: LoadScenario,
    requests: RequestTable,
    seed: number,
    onProgress: (progress: DriveProgress) => void,
    onCourse?: (news: CourseNews) => void,
  ): Promise<Driven> {
    const { workload, prompts, api } = scenario;
    const { sharing } = workload;
    // Lengths and times are those of the seed at every point, texts are not: else a cache would know them from the last one.
    const textSeed = createRandom(seed)
      .fork(`texts ${this.#points.length}${this.#options.texts ?? ''}`)
      .nextU32();
    const writer = promptWriter({
      requests,
      sharing,
      blockTokens: prompts.blockTokens,
      seed: textSeed,
      api,
      tokens: this.#tokens,
    });
    const watched = this.#server.metrics ? { telemetry: () => this.#telemetry() } : {};
    return driveLoad(this.#endpoint, {
      requests,
      prompts: writer,
      scenario,
      model: this.#model,
      seed,
      signal: this.#options.signal,
      onProgress,
      ...(onCourse === undefined ? {} : { onCourse }),
      ...watched,
    });
  }

  async #telemetry(): Promise<Telemetry | null> {
    return (await scrape(this.#endpoint)).telemetry;
  }

  async #reset(): Promise<void> {
    if (!this.#scenario.resetCache) return;
    const sentence = await resetPrefixCache(this.#endpoint, this.#server);
    if (!this.#notes.includes(sentence)) this.#notes.push(sentence);
  }

  #result(): LoadRun {
    const { stamp } = this.#options;
    if (this.#stopped !== null) this.#notes.push(this.#stopped);
    return {
      version: RUN_VERSION,
      kind: 'load',
      id: stamp.id,
      title: this.#scenario.title,
      createdAt: stamp.createdAt,
      origin: 'measured',
      appVersion: stamp.appVersion,
      command: stamp.command === null ? null : withoutSecrets(stamp.command, this.#endpoint).slice(0, 1000),
      scenario: this.#scenario,
      model: this.#model,
      server: this.#server,
      client: stamp.client,
      points: this.#points,
      notes: [...this.#notes, ...this.#boundNotes(), ...this.#lengthNotes()]
        .map((note) => note.slice(0, 600))
        .slice(0, 50),
      complete: this.#stopped === null,
    };
  }

  #boundNotes(): string[] {
    const held = this.#points
      .flatMap(({ repetitions }) => repetitions)
      .reduce((sum, { measured }) => sum + measured.heldBack, 0);
    const most = this.#mostInFlight;
    if (most === null || held === 0) return [];
    return [
      `A browser opens ${this.#options.connections ?? most} connections at most to a server of HTTP/1.1, so no more than ${most} requests were in flight at once and ${held} waited here, which counts as the client’s lateness; the command line has no such bound.`,
    ];
  }

  /** Where the lengths that came are not those that were asked for, the prediction is of other requests. */
  #lengthNotes(): string[] {
    const notes = new Set<string>();
    for (const { repetitions } of this.#points) {
      for (const { measured } of repetitions) {
        const { tokens, chunksPerToken, summary } = summarizeLoad(measured, this.#scenario.objectives);
        const { askedPrompt, prompt, askedOutput, output } = tokens;
        if (isOff(askedPrompt, prompt))
          notes.add(
            `Prompts were asked to have ${rounded(askedPrompt)} tokens on the average and had ${rounded(prompt)}.`,
          );
        if (isOff(askedOutput, output))
          notes.add(
            `Outputs were asked to have ${rounded(askedOutput)} tokens on the average and had ${rounded(output)}: the server ends them itself.`,
          );
        if (this.#scenario.workload.trace === null && this.#scenario.workload.sharing.kind === 'none') {
          const found = summary.prefixHitRatio ?? 0;
          if (found > FOUND)
            notes.add(
              `${(100 * found).toFixed(0)} % of the prompts’ tokens were found in the server’s cache although no two requests share text: an earlier load left them there, so TTFT is too short; ${this.#scenario.resetCache ? 'take' : 'set resetCache=true, or'} another seed.`,
            );
        }
        if (chunksPerToken !== null && chunksPerToken < 0.98)
          notes.add(
            `The server sends ${(1 / chunksPerToken).toFixed(2)} tokens in a piece, so ITL is between pieces.`,
          );
      }
    }
    return [...notes];
  }

  #tell(fraction: number | null, message: string): void {
    this.#options.onProgress?.({ fraction, message });
  }
}

function isOff(asked: number | null, came: number | null): boolean {
  return asked !== null && came !== null && Math.abs(came - asked) > 0.05 * asked;
}

function rounded(value: number | null): string {
  return value === null ? 'none' : String(Number(value.toPrecision(3)));
}

function skipped({ label, settings }: LoadPointPlan, reason: string): LoadPoint {
  return {
    label: label.slice(0, 200),
    settings: { ...settings },
    status: 'skipped',
    reason: reason.slice(0, 400),
    // Carried on, so that everything after the first is left out as well.
    saturated: reason.slice(0, 300),
    fit: null,
    repetitions: [],
    calibration: [],
  };
}
