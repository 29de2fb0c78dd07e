/**
 * The tuner's bench: simulated spaces of two hundred settings, twenty seeds. The best that it finds is held against the
 * truth, which is every setting measured in every cell with seeds of its own. It fails where a bar is missed.
 */
import { createSimulatorExecutor, tune } from '../../src/tune/index.ts';
import { TUNE_CASES, truthOf, type TuneCase } from './spaces.ts';

export interface TuneBenchRequest {
  readonly date: string;
  /** Cases whose name holds this. */
  readonly only: string;
}

export interface TuneSeedRow {
  readonly seed: number;
  /** How much better the true best is than what was chosen: 0.01 is 1 %. */
  readonly regret: number;
  /** Of all measurements of the grid, the baseline's own included. */
  readonly share: number;
  readonly confidence: number;
  /** Place of the chosen one in the truth, from 1. */
  readonly place: number;
}

export interface TuneRowOfCase {
  readonly name: string;
  readonly candidates: number;
  readonly cells: number;
  readonly full: number;
  readonly seeds: readonly TuneSeedRow[];
  /** Of a tuning, milliseconds on this machine; told, not asserted. */
  readonly meanMs: number;
}

const SEEDS = 20;
const TRUTH_REPETITIONS = 6;
/** The bars: nothing chosen is more than this behind, nothing takes more measurements. */
const MOST_REGRET = 0.02;
const MOST_SHARE = 0.25;

async function benched({ name, scenario }: TuneCase): Promise<TuneRowOfCase> {
  process.stderr.write(`${name}: the truth…\n`);
  const truth = await truthOf(scenario, TRUTH_REPETITIONS, (done, all) =>
    process.stderr.write(`  ${done} of ${all} cells\n`),
  );
  const best = Math.max(...truth);
  const seeds: TuneSeedRow[] = [];
  const startedAt = performance.now();
  let [candidates, cells, full] = [0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const seeded = { ...scenario, seed };
    const run = await tune(seeded, createSimulatorExecutor(seeded));
    const chosen = truth[run.ranking[0] ?? -1] ?? -Infinity;
    [candidates, cells, full] = [run.rows.length, run.cells.length, run.counts.full];
    seeds.push({
      seed,
      regret: Math.exp(best - chosen) - 1,
      share: (run.counts.taken + run.counts.anchors) / full,
      confidence: run.confidence ?? 0,
      place: 1 + truth.filter((score) => score > chosen).length,
    });
  }
  return { name, candidates, cells, full, seeds, meanMs: (performance.now() - startedAt) / SEEDS };
}

export async function kvlabTuneBench({ date, only }: TuneBenchRequest) {
  const rows: TuneRowOfCase[] = [];
  for (const one of TUNE_CASES.filter(({ name }) => name.includes(only))) rows.push(await benched(one));
  const missed = rows.flatMap(({ name, seeds }) =>
    seeds
      .filter(({ regret, share }) => regret > MOST_REGRET || share > MOST_SHARE)
      .map(
        ({ seed, regret, share }) =>
          `${name}, seed ${seed}: ${percent(regret)} behind, ${percent(share)} measured`,
      ),
  );
  const markdown = tuneMarkdown(date, rows);
  if (missed.length > 0) throw new Error(`${markdown}\nMissed:\n${missed.join('\n')}`);
  return { result: { date, rows }, markdown };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function line({ name, candidates, full, seeds, meanMs }: TuneRowOfCase): string {
  const most = (of: (row: TuneSeedRow) => number): number => Math.max(...seeds.map(of));
  const mean = (of: (row: TuneSeedRow) => number): number =>
    seeds.reduce((sum, row) => sum + of(row), 0) / seeds.length;
  const cells = [
    name,
    String(candidates),
    String(full),
    `${percent(mean(({ share }) => share))}, at most ${percent(most(({ share }) => share))}`,
    `${percent(mean(({ regret }) => regret))}, at most ${percent(most(({ regret }) => regret))}`,
    `${seeds.filter(({ place }) => place === 1).length} of ${seeds.length}`,
    mean(({ confidence }) => confidence).toFixed(2),
    `${(meanMs / 1000).toFixed(1)} s`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function tuneMarkdown(date: string, rows: readonly TuneRowOfCase[]): string {
  return [
    `${date}, simulated, ${SEEDS} seeds. Behind: how much better the true best is; the truth is every setting in every cell ${TRUTH_REPETITIONS} times, with seeds that no tuning used. Bars: at most 2 % behind, at most 25 % of the measurements, with every seed.`,
    '',
    '| space | settings | full grid | measured | behind the true best | found the very best | confidence | a tuning |',
    '| --- | --: | --: | --: | --: | --: | --: | --: |',
    ...rows.map(line),
    '',
  ].join('\n');
}
