/**
 * Scores of candidates from the measurements so far, with how far each may be off.
 *
 * A candidate's log score is the mean over the cells of a profile of its means in each cell. Two things make it uncertain:
 * repetitions of one cell differ (σ, noise), and cells that were not measured may be unlike those that were (τ):
 *
 *   se² = Σ σ²/n_c / m² + (1 − m/C) · τ²/m       m of C cells measured, n_c repetitions in each
 *
 * σ² is pooled over all candidates, with a few assumed measurements of 2 % so that two that happen to agree do not look
 * exact; τ² is pooled over candidates with several cells, and assumed to be 10 % until there are any. A measured grid has no
 * τ: its cells are all there are.
 */
import { normalCdf, studentQuantile } from '../../special.ts';
import type { Random } from '../../random.ts';

/** One measurement: whose, in which cell, and its log score. */
export interface ScoredSample {
  readonly candidate: number;
  readonly cell: number;
  readonly logScore: number;
}

export interface Estimate {
  /** Log score: mean over its cells. */
  readonly mean: number;
  readonly standardError: number;
  readonly cells: number;
  readonly samples: number;
}

export interface Spread {
  /** Standard deviation of repetitions, and of cells of one candidate, in log score. */
  readonly noise: number;
  readonly cells: number;
  /** Degrees of freedom behind the noise. */
  readonly freedom: number;
}

const ASSUMED_NOISE = 0.02;
/** As many assumed measurements stand beside the real ones. */
const ASSUMED_FREEDOM = 3;
const ASSUMED_CELLS = 0.1;

type ByCell = Map<number, number[]>;

function grouped(samples: readonly ScoredSample[]): Map<number, ByCell> {
  const byCandidate = new Map<number, ByCell>();
  for (const { candidate, cell, logScore } of samples) {
    const cells = byCandidate.get(candidate) ?? new Map<number, number[]>();
    byCandidate.set(candidate, cells);
    const values = cells.get(cell);
    if (values) values.push(logScore);
    else cells.set(cell, [logScore]);
  }
  return byCandidate;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function squares(values: readonly number[]): number {
  const middle = mean(values);
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}

function spreadOf(byCandidate: ReadonlyMap<number, ByCell>, exact: ReadonlySet<number>): Spread {
  let [noise, freedom, between, cells] = [0, 0, 0, 0];
  for (const [candidate, byCell] of byCandidate) {
    if (exact.has(candidate)) continue;
    for (const values of byCell.values()) {
      noise += squares(values);
      freedom += values.length - 1;
    }
    if (byCell.size < 2) continue;
    between += squares([...byCell.values()].map(mean));
    cells += byCell.size - 1;
  }
  const all = freedom + ASSUMED_FREEDOM;
  return {
    noise: Math.sqrt((noise + ASSUMED_FREEDOM * ASSUMED_NOISE ** 2) / all),
    cells: cells === 0 ? ASSUMED_CELLS : Math.sqrt(between / cells),
    freedom: all,
  };
}

export interface Estimates {
  readonly of: ReadonlyMap<number, Estimate>;
  readonly spread: Spread;
}

/**
 * @param totalCells of the profile
 * @param exact candidates that are compared with themselves, the baseline: no noise is learned from them
 */
export function estimateScores(
  samples: readonly ScoredSample[],
  totalCells: number,
  exact: ReadonlySet<number> = new Set(),
): Estimates {
  const byCandidate = grouped(samples);
  const spread = spreadOf(byCandidate, exact);
  const of = new Map<number, Estimate>();
  for (const [candidate, byCell] of byCandidate) {
    const cells = byCell.size;
    const repeated = [...byCell.values()].reduce((sum, values) => sum + 1 / values.length, 0);
    const within = exact.has(candidate) ? 0 : (spread.noise ** 2 * repeated) / cells ** 2;
    const unseen = exact.has(candidate) ? 0 : (1 - cells / totalCells) * (spread.cells ** 2 / cells);
    of.set(candidate, {
      mean: mean([...byCell.values()].map(mean)),
      standardError: Math.sqrt(within + Math.max(0, unseen)),
      cells,
      samples: [...byCell.values()].reduce((sum, values) => sum + values.length, 0),
    });
  }
  return { of, spread };
}

/** 95 % interval of a log score. */
export function logInterval(
  estimate: Estimate,
  { freedom }: Spread,
): { readonly low: number; readonly high: number } {
  const half = studentQuantile(0.975, freedom) * estimate.standardError;
  return { low: estimate.mean - half, high: estimate.mean + half };
}

/** Chance that the first is better than the second. */
export function chanceBetter(first: Estimate, second: Estimate): number {
  const se = Math.sqrt(first.standardError ** 2 + second.standardError ** 2);
  const difference = first.mean - second.mean;
  if (se === 0) return difference > 0 ? 1 : difference === 0 ? 0.5 : 0;
  return normalCdf(difference / se);
}

/** How much better one is than another, block by block of those that both measured: the same requests, at the same time. */
export interface Difference {
  readonly mean: number;
  readonly standardError: number;
  readonly blocks: number;
}

/** Null where they share fewer than two blocks. */
export function pairedDifference(
  samples: readonly (ScoredSample & { readonly block: number })[],
  first: number,
  second: number,
): Difference | null {
  const scores = (wanted: number): Map<number, number> =>
    new Map(
      samples.flatMap(({ candidate, block, logScore }) =>
        candidate === wanted ? [[block, logScore] as const] : [],
      ),
    );
  const others = scores(second);
  const differences = [...scores(first)].flatMap(([block, score]) => {
    const other = others.get(block);
    return other === undefined ? [] : [score - other];
  });
  const blocks = differences.length;
  if (blocks < 2) return null;
  return {
    mean: mean(differences),
    standardError: Math.sqrt(squares(differences) / (blocks - 1) / blocks),
    blocks,
  };
}

/** Log scores closer than this are the same for any purpose: half a percent. */
export const ALIKE = 0.005;

const DRAWS = 2000;
/** In standard errors; even with three degrees of freedom nobody comes from there in two thousand draws. */
const FAR_BEHIND = 30;
/** From here on Student's t is as good as normal. */
const MANY = 60;

/** √(df / χ²): how much larger the true noise may be than the estimate from so many degrees of freedom. */
function noiseScale(freedom: number, random: Random): number {
  const df = Math.max(1, Math.round(freedom));
  if (df >= MANY) return 1;
  let chiSquare = 0;
  for (let i = 0; i < df; i++) chiSquare += random.normal() ** 2;
  return Math.sqrt(df / chiSquare);
}

/**
 * Chance that nobody is better than one candidate by more than half a percent: how often that is so when every score is
 * drawn from its interval.
 */
export function chanceBest(
  winner: number,
  estimates: ReadonlyMap<number, Estimate>,
  { freedom }: Pick<Spread, 'freedom'>,
  random: Random,
): number | null {
  const mine = estimates.get(winner);
  if (mine === undefined || estimates.size < 2) return null;
  // Whoever is far behind wins in no draw: leaving them out changes nothing and saves most of the draws.
  const others = [...estimates].filter(([candidate, other]) => {
    const se = Math.sqrt(mine.standardError ** 2 + other.standardError ** 2);
    return candidate !== winner && mine.mean + ALIKE - other.mean < FAR_BEHIND * se;
  });
  if (others.length === 0) return 1;
  let wins = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    // All share one estimate of the noise, which is off by as much for each of them: Student's t.
    const scale = noiseScale(freedom, random);
    const drawn = ({ mean: middle, standardError }: Estimate): number =>
      middle + scale * standardError * random.normal();
    const score = drawn(mine);
    if (others.every(([, other]) => drawn(other) <= score + ALIKE)) wins++;
  }
  return wins / DRAWS;
}
