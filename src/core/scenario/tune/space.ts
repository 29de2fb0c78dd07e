/** The candidates of a scenario: baseline first, then every combination of the space that differs from it and makes sense. */
import { canonicalJson } from '../../json.ts';
import type { Tuning } from './resolved.ts';
import { TUNE_AXES, type TuneAxis, type TuneSettings } from './schema.ts';

export interface TuneCandidate {
  /** Same settings, same key: what was once impossible under a key is never tried again. */
  readonly key: string;
  readonly settings: TuneSettings;
  /** What differs from the baseline, in words; 'baseline' where nothing does. */
  readonly label: string;
}

export function settingsKey(settings: TuneSettings): string {
  return canonicalJson(settings);
}

const AXIS_WORDS: Readonly<Record<TuneAxis, string>> = {
  strategy: 'cache',
  backend: 'backend',
  kvFormat: 'KV',
  weights: 'weights',
  blockSize: 'blocks of',
  maxSequences: 'sequences',
  tokenBudget: 'token budget',
  chunkTokens: 'chunk',
  prefixCaching: 'prefix cache',
  cachePolicy: 'cache policy',
  eviction: 'eviction',
  evictionTokens: 'keeps',
  offload: 'offload',
  tier: 'tier',
  lanes: 'lanes',
  splits: 'splits',
};

function valueWords(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value);
}

/** What differs from the baseline, axis by axis. */
export function differences(settings: TuneSettings, baseline: TuneSettings): TuneAxis[] {
  return TUNE_AXES.filter((axis) => settings[axis] !== baseline[axis]);
}

export function settingsLabel(settings: TuneSettings, baseline: TuneSettings): string {
  const changed = differences(settings, baseline);
  if (changed.length === 0) return 'baseline';
  return changed.map((axis) => `${AXIS_WORDS[axis]} ${valueWords(settings[axis])}`).join(', ');
}

function candidateOf(settings: TuneSettings, baseline: TuneSettings): TuneCandidate {
  return { key: settingsKey(settings), settings, label: settingsLabel(settings, baseline) };
}

/** Combinations that the space crosses, however many of them are alike. */
export function spaceSize({ space }: Pick<Tuning, 'space'>): number {
  return TUNE_AXES.reduce((product, axis) => product * (space[axis]?.length ?? 1), 1);
}

/**
 * Settings that differ in nothing that acts are one: a cache that is reserved has no blocks to share, a policy needs a
 * prefix cache, tokens to keep need an eviction or a window. The first of them stands for all.
 */
function settled(settings: TuneSettings, baseline: TuneSettings): TuneSettings {
  if (settings.backend !== 'ours') return elsewhere(settings, baseline);
  const paged = settings.strategy === 'paged' || settings.strategy === 'sliding-window';
  const caches = paged && settings.prefixCaching;
  const windowed = settings.strategy === 'sliding-window';
  const evicts = windowed || settings.eviction !== 'none';
  return {
    ...settings,
    prefixCaching: caches,
    cachePolicy: caches ? settings.cachePolicy : 'lru',
    offload: caches ? settings.offload : 'none',
    blockSize: paged ? settings.blockSize : baseline.blockSize,
    eviction: windowed ? 'none' : settings.eviction,
    evictionTokens: evicts ? settings.evictionTokens : 0,
    chunkTokens: settings.strategy === 'growing' ? 0 : settings.chunkTokens,
  };
}

/** Another engine has one cache, which grows, and hears of nothing else. */
function elsewhere({ backend }: TuneSettings, baseline: TuneSettings): TuneSettings {
  return { ...baseline, backend, strategy: 'growing', prefixCaching: false };
}

/** Baseline first; each other candidate once, the last axis fastest. */
export function candidatesOf({ baseline, space }: Pick<Tuning, 'baseline' | 'space'>): TuneCandidate[] {
  const rows = TUNE_AXES.reduce<TuneSettings[]>(
    (made, axis) => {
      const values = space[axis];
      return values === undefined
        ? made
        : made.flatMap((settings) => values.map((value) => ({ ...settings, [axis]: value })));
    },
    [baseline],
  );
  const first = candidateOf(baseline, baseline);
  const seen = new Map([[first.key, first]]);
  for (const row of rows) {
    const candidate = candidateOf(settled(row, baseline), baseline);
    if (!seen.has(candidate.key)) seen.set(candidate.key, candidate);
  }
  return [...seen.values()];
}
