/** A tuning with nothing left open: what is null in the scenario is the profile's or the executor's own. */
import * as v from 'valibot';
import { findArchitecture, keepsState } from '../../model/architecture.ts';
import { EXECUTOR_AXES } from './axes.ts';
import { PROFILES, profileCells, SHARED_OF, type Profile, type ProfileCells } from './profiles.ts';
import { TuneSettings, type TuneScenario, type TuneSpace } from './schema.ts';

export interface TuneLoad {
  readonly users: number;
  readonly requests: number;
  readonly spread: number;
  readonly shared: number;
}

export interface Tuning {
  readonly scenario: TuneScenario;
  readonly models: readonly string[];
  readonly profile: Profile;
  readonly load: TuneLoad;
  readonly baseline: TuneSettings;
  readonly space: TuneSpace;
  /** A model whose layers keep a state: prefix caching is switched off for it, whatever the scenario says; else null. */
  readonly stateful: string | null;
}

/** What a custom profile weighs where it does not say. */
const EVEN = { ttft: 0.4, throughput: 0.4, memory: 0.2 };

/** A custom profile that does not say its lengths has none; rules.ts refuses it. */
export function resolvedProfile({ name, contexts, outputs, weights }: TuneScenario['profile']): Profile {
  const named = name === 'custom' ? { contexts: [], outputs: [], weights: EVEN } : PROFILES[name];
  return {
    name,
    contexts: contexts ?? named.contexts,
    outputs: outputs ?? named.outputs,
    weights: weights ?? named.weights,
  };
}

/** A setting that is there but undefined says nothing. */
function settingsOver(own: TuneSettings, change: TuneScenario['baseline']): TuneSettings {
  const said = Object.entries(change).filter(([, value]) => value !== undefined);
  return v.parse(TuneSettings, { ...own, ...Object.fromEntries(said) });
}

export function resolveTuning(scenario: TuneScenario): Tuning {
  const own = EXECUTOR_AXES[scenario.executor];
  const { load, profile } = scenario;
  const models = scenario.models ?? own.models;
  const stateful = statefulOf(scenario, models);
  const baseline = settingsOver(own.baseline, scenario.baseline);
  const space = scenario.space ?? own.space;
  return {
    scenario,
    models,
    profile: resolvedProfile(profile),
    load: {
      users: load.users ?? own.users,
      requests: load.requests ?? Math.max(own.requests, load.users ?? 0),
      spread: load.spread,
      shared: load.shared ?? SHARED_OF[profile.name],
    },
    baseline: stateful === null ? baseline : { ...baseline, prefixCaching: false, cachePolicy: 'lru' },
    space: stateful === null ? space : withoutPrefixes(space),
    stateful,
  };
}

/** The settings of a tuning are those of all its models, so one of them is enough. */
function statefulOf({ executor }: TuneScenario, models: readonly string[]): string | null {
  if (executor !== 'simulator') return null;
  const found = models.map(findArchitecture).find((model) => model !== undefined && keepsState(model));
  return found?.name ?? null;
}

function withoutPrefixes({ prefixCaching, cachePolicy, ...space }: TuneSpace): TuneSpace {
  return {
    ...space,
    ...(prefixCaching === undefined ? {} : { prefixCaching: [false] }),
    ...(cachePolicy === undefined ? {} : { cachePolicy: ['lru'] }),
  };
}

/** Prompt and output of the longest cell that a model takes: what an engine is started for. */
export function longestText({ contexts, outputs }: Profile, maxTokens: number): number {
  const lengths = contexts.flatMap((context) => outputs.map((output) => context + output));
  return Math.max(1, ...lengths.filter((length) => length <= maxTokens));
}

/** The cells of a tuning on models whose longest texts are known. */
export function tuningCells({ profile, models }: Tuning, maxTokens: (model: string) => number): ProfileCells {
  return profileCells(
    profile,
    models.map((name) => ({ name, maxTokens: maxTokens(name) })),
  );
}
