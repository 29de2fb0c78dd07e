/**
 * The search for the best settings: successive halving over blocks of measurements, then repetitions until the first
 * separates from the second.
 *
 *   each rung: some blocks (a cell, once); in each every candidate of the rung once, in random order, the baseline beside
 *   them; who falls behind for certain leaves at once, the worse ones at the rung's end
 *
 * The order and the requests follow from the scenario's seed, so a run that was stopped is gone through again with its
 * measurements in hand until it comes to the first that is missing.
 *
 * Boundary: knows no GPU, no simulator and no clock; whoever drives it gives both. Scores are core/metrics/tune.
 */
import { ALIKE, chanceBetter, pairedDifference } from '../core/metrics/tune/estimate.ts';
import { BASELINE } from '../core/metrics/tune/scored.ts';
import { createRandom, type Random } from '../core/random.ts';
import type { TuneCounts, TuneMetrics, TuneRun, TuneRunCell } from '../core/run/tune.ts';
import { RUN_VERSION } from '../core/run/version.ts';
import type { DroppedCell } from '../core/scenario/tune/profiles.ts';
import { resolveTuning, tuningCells, type Tuning } from '../core/scenario/tune/resolved.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import { candidatesOf, type TuneCandidate } from '../core/scenario/tune/space.ts';
import { InfeasibleError, type TuneExecutor } from './executor.ts';
import { byScore, rankedRows, standingOf, type Standing } from './ranking.ts';
import { Known, SampleRecord } from './record.ts';
import type { TuneOptions, TuneStamp } from './options.ts';
import { blocksOf, costOf, planRungs, type Block, type Rung } from './rungs.ts';
import { cellName, prefixNote, qualityNote, shareNote } from './words.ts';

/** Nothing of a tuning can run. */
export class TuneError extends Error {
  readonly code = 'tune';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'TuneError';
  }
}

const UNSTAMPED: TuneStamp = { id: 'tuning', createdAt: '', appVersion: '', command: null };

/** Measurements between two of the baseline, on a device that drifts. */
const ANCHOR_EVERY = 8;
/** Behind with this chance: leaves within a rung. */
const CERTAINLY_BEHIND = 0.999;
/** The first is told from the others: so many standard errors ahead, 95 % on one side. */
const SEPARATED = 1.645;
/** Repetitions of a cell at the most, as a multiple of the scenario's. */
const MOST_REPEATS = 4;
/** Measurements before somebody can be certainly behind. */
const LEAST_SAMPLES = 2;

/** The budget of time is over, or the person ended it: everything measured stays. */
class Ended extends Error {}

/** @throws TuneError, OtherTuningError in one sentence where nothing can run */
export async function tune(
  scenario: TuneScenario,
  executor: TuneExecutor,
  options: TuneOptions = {},
): Promise<TuneRun> {
  const search = new Search(scenario, executor, options);
  return search.run();
}

class Search {
  readonly #scenario: TuneScenario;
  readonly #tuning: Tuning;
  readonly #executor: TuneExecutor;
  readonly #options: TuneOptions;
  readonly #known: Known;
  readonly #candidates: readonly TuneCandidate[];
  readonly #cells: readonly TuneRunCell[];
  readonly #dropped: DroppedCell[];
  readonly #record = new SampleRecord();
  readonly #infeasible = new Map<number, string>();
  readonly #stopped = new Map<number, string>();
  readonly #notes: string[] = [];
  readonly #random: Random;
  readonly #startedMs: number;
  #skipped = { infeasible: 0, halved: 0, separated: 0, unfinished: 0 };
  #anchors = 0;
  #extra = 0;
  #reused = 0;
  #planned = 1;
  #ended = false;
  #standing: Standing | null = null;

  constructor(scenario: TuneScenario, executor: TuneExecutor, options: TuneOptions) {
    this.#scenario = scenario;
    this.#tuning = resolveTuning(scenario);
    this.#executor = executor;
    this.#options = options;
    this.#known = new Known(options.resume ?? null, scenario, executor.about);
    this.#candidates = candidatesOf(this.#tuning);
    this.#notes.push(...prefixNote(this.#tuning));
    this.#random = createRandom(scenario.seed).fork('tune');
    this.#startedMs = options.now?.() ?? 0;
    const { cells, dropped } = this.#runnableCells();
    this.#cells = cells;
    this.#dropped = dropped;
  }

  async run(): Promise<TuneRun> {
    try {
      this.#refuse();
      await this.#halve();
      await this.#separate();
      this.#ended = true;
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      this.#notes.push(error.message);
    }
    return this.#result();
  }

  /** Cells that the models take and the baseline can run. @throws TuneError where there is none */
  #runnableCells(): { cells: TuneRunCell[]; dropped: DroppedCell[] } {
    const { cells, dropped } = tuningCells(this.#tuning, (model) => this.#executor.maxTokens(model));
    const refused = cells.flatMap((cell): DroppedCell[] => {
      const reason = this.#executor.refuses(this.#tuning.baseline, cell);
      return reason === null ? [] : [{ ...cell, reason: reason.slice(0, 400) }];
    });
    const gone = new Set(refused.map(cellName));
    const left = cells.filter((cell) => !gone.has(cellName(cell)));
    if (left.length === 0) {
      const remedy = refused.length === 0 ? ' Shorten profile.contexts.' : '';
      const [first] = [...refused, ...dropped];
      throw new TuneError(`No cell of the profile can run. ${first?.reason ?? ''}${remedy}`);
    }
    return { cells: left, dropped: [...dropped, ...refused] };
  }

  /** What is known to be impossible is never tried. */
  #refuse(): void {
    this.#candidates.forEach((candidate, at) => {
      if (at === BASELINE) return;
      const reason =
        this.#known.reason(candidate) ??
        this.#cells.reduce<string | null>(
          (found, cell) => found ?? this.#executor.refuses(candidate.settings, cell),
          null,
        );
      if (reason !== null) this.#infeasible.set(at, reason);
    });
  }

  get #able(): number[] {
    return [...this.#candidates.keys()].filter((at) => !this.#infeasible.has(at) && !this.#stopped.has(at));
  }

  get #blocks(): number {
    return this.#cells.length * this.#scenario.budget.repeats;
  }

  async #halve(): Promise<void> {
    const { repeats, eta, share } = this.#scenario.budget;
    const blocks = blocksOf(this.#cells, repeats);
    const able = this.#able.length;
    const rungs = planRungs(able, blocks.length, eta, share);
    this.#planned = Math.max(1, costOf(rungs));
    this.#notes.push(...shareNote(costOf(rungs) / (able * blocks.length), share));
    for (const [at, rung] of rungs.entries()) {
      const next = rungs[at + 1]?.candidates ?? 1;
      for (const block of blocks.slice(rung.from, rung.to)) {
        await this.#measureBlock(block, this.#able);
        this.#leaveBehind(next, rung.to - block.index - 1);
      }
      if (at + 1 < rungs.length) this.#keep(next, rung, blocks.length);
    }
  }

  /** Who is behind the last that will be kept, for certain, leaves before the rung is over. */
  #leaveBehind(kept: number, blocksLeft: number): void {
    const { estimates } = this.#stand();
    const order = byScore(this.#able, estimates);
    const last = estimates.of.get(order[kept - 1] ?? -1);
    if (last === undefined) return;
    for (const at of order.slice(kept)) {
      const mine = estimates.of.get(at);
      if (at === BASELINE || mine === undefined || mine.samples < LEAST_SAMPLES) continue;
      if (chanceBetter(last, mine) < CERTAINLY_BEHIND) continue;
      this.#stop(at, `Left after ${mine.samples} measurements: behind with more than 99.9 %.`);
      this.#skipped.separated += blocksLeft;
      this.#skipped.halved += this.#blocks - mine.samples - blocksLeft;
    }
  }

  #keep(count: number, rung: Rung, blocks: number): void {
    const { estimates } = this.#stand();
    for (const [place, at] of byScore(this.#able, estimates).entries()) {
      if (place < count || at === BASELINE) continue;
      this.#stop(
        at,
        `Left after ${rung.to} of ${blocks} measurements, ${place + 1}th of its rung; ${count} went on.`,
      );
      this.#skipped.halved += blocks - rung.to;
    }
  }

  #stop(at: number, words: string): void {
    this.#stopped.set(at, words);
  }

  /** Repeats the first and those that are not told from it, while the budget lasts. */
  async #separate(): Promise<void> {
    const { repeats, share } = this.#scenario.budget;
    const candidates = this.#candidates.length - this.#infeasible.size;
    const most = Math.max(this.#planned, Math.floor(share * candidates * this.#blocks));
    for (let repetition = repeats; repetition < MOST_REPEATS * repeats; repetition++) {
      const rivals = this.#rivals();
      if (rivals.length < 2) return;
      const round = blocksOf(this.#cells, 1);
      if (this.#taken + rivals.length * round.length > most) return;
      this.#planned = most;
      for (const block of round) {
        const index = repetition * round.length + block.index;
        const before = this.#taken;
        await this.#measureBlock({ ...block, index, repetition }, rivals);
        this.#extra += this.#taken - before;
      }
    }
  }

  /** The first, and whoever might be better. */
  #rivals(): number[] {
    const { estimates, scored } = this.#stand();
    const [first, ...others] = byScore(this.#able, estimates);
    if (first === undefined) return [];
    const rivals = others.filter((at) => {
      const ahead = pairedDifference(scored, first, at);
      if (ahead === null) return true;
      const alike = ahead.mean + 2 * ahead.standardError < ALIKE;
      return !alike && ahead.mean < SEPARATED * ahead.standardError;
    });
    return [first, ...rivals];
  }

  /** Everybody once in random order, with the baseline before, behind and, on a device that drifts, among them. */
  async #measureBlock(block: Block, candidates: readonly number[]): Promise<void> {
    const others = this.#random
      .fork(`block ${block.index}`)
      .shuffled(candidates.filter((at) => at !== BASELINE));
    await this.#measure(BASELINE, block);
    for (const [place, at] of others.entries()) {
      if (this.#executor.drifts && place > 0 && place % ANCHOR_EVERY === 0) await this.#anchor(block);
      await this.#measure(at, block);
    }
    if (this.#executor.drifts && others.length > 0) await this.#anchor(block);
    this.#standing = null;
  }

  async #anchor(block: Block): Promise<void> {
    this.#anchors++;
    await this.#measure(BASELINE, block);
  }

  async #measure(at: number, block: Block): Promise<void> {
    const candidate = this.#candidates[at];
    const cell = this.#cells[block.cell];
    if (candidate === undefined || cell === undefined || this.#infeasible.has(at)) return;
    const known = this.#known.take(candidate, cell, block.repetition);
    if (known !== undefined) {
      this.#reused++;
      this.#record.add(at, block, known);
      return;
    }
    await this.#options.pause?.();
    this.#mayGoOn();
    this.#tell(candidate, cell);
    try {
      this.#record.add(at, block, await this.#metrics(candidate, cell, block.repetition));
    } catch (error) {
      this.#mayGoOn();
      if (!(error instanceof InfeasibleError)) throw error;
      if (at === BASELINE) throw new TuneError(`The baseline can’t run; change baseline. ${error.message}`);
      this.#infeasible.set(at, error.message);
    }
    this.#standing = null;
  }

  #metrics({ settings }: TuneCandidate, cell: TuneRunCell, repetition: number): Promise<TuneMetrics> {
    const signal = this.#options.signal ?? new AbortController().signal;
    const seed = createRandom(this.#scenario.seed)
      .fork(`${cellName(cell)} ${repetition}`)
      .nextU32();
    return this.#executor.measure({ settings, cell, seed, signal });
  }

  /** @throws Ended */
  #mayGoOn(): void {
    if (this.#options.signal?.aborted === true) {
      throw new Ended('Stopped before its end; it can go on from here.');
    }
    const { seconds } = this.#scenario.budget;
    const { now } = this.#options;
    if (seconds !== null && now !== undefined && now() - this.#startedMs > 1000 * seconds) {
      throw new Ended(`The ${seconds} s of budget.seconds were over before its end; it can go on from here.`);
    }
  }

  get #taken(): number {
    return this.#record.size - this.#anchors;
  }

  #stand(): Standing {
    this.#standing ??= standingOf(this.#record.samples(), this.#tuning, this.#cells.length);
    return this.#standing;
  }

  #tell({ label }: TuneCandidate, { model, context, output }: TuneRunCell): void {
    const where = this.#tuning.models.length > 1 ? `${model}, ` : '';
    this.#options.onProgress?.({
      fraction: Math.min(1, this.#taken / this.#planned),
      message: `${this.#able.length} settings left; ${where}${context} + ${output} tokens: ${label}`,
      partial: () => this.#result(),
    });
  }

  #counts(): TuneCounts {
    const { candidate } = this.#record;
    const broken = candidate.filter((at) => this.#infeasible.has(at)).length;
    const full = this.#candidates.length * this.#blocks;
    const skipped = { ...this.#skipped, infeasible: this.#infeasible.size * this.#blocks - broken };
    const least =
      full - (this.#taken - this.#extra) - skipped.infeasible - skipped.halved - skipped.separated;
    return {
      full,
      taken: this.#taken,
      extra: this.#extra,
      anchors: this.#anchors,
      skipped: { ...skipped, unfinished: this.#ended ? 0 : Math.max(0, least) },
    };
  }

  #result(): TuneRun {
    const stamp = { ...UNSTAMPED, ...this.#options.stamp };
    const { rows, ranking, confidence } = rankedRows(
      this.#candidates,
      this.#stand(),
      this.#cells.length,
      { infeasible: this.#infeasible, stopped: this.#stopped, ended: this.#ended },
      (at) => this.#executor.startupMs(this.#candidates[at]?.settings ?? this.#tuning.baseline),
      this.#scenario.seed,
    );
    const reused =
      this.#reused === 0 ? [] : [`${this.#reused} measurements are those of an earlier part of the run.`];
    return {
      version: RUN_VERSION,
      kind: 'tune',
      ...stamp,
      title: this.#scenario.title,
      origin: this.#executor.origin,
      scenario: this.#scenario,
      about: this.#executor.about,
      environment: this.#executor.environment,
      cells: [...this.#cells],
      dropped: [...this.#dropped],
      rows,
      ranking,
      samples: this.#record.samples(),
      confidence,
      counts: this.#counts(),
      notes: [...this.#notes, ...reused, ...qualityNote(rows[ranking[0] ?? -1], this.#tuning)].map((note) =>
        note.slice(0, 600),
      ),
      complete: this.#ended,
    };
  }
}
