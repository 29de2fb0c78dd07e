/** A tuning with nothing left open: what is null in the scenario is the profile's or the executor's own. */
import * as v from 'valibot';
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
  return {
    scenario,
    models: scenario.models ?? own.models,
    profile: resolvedProfile(profile),
    load: {
      users: load.users ?? own.users,
      requests: load.requests ?? Math.max(own.requests, load.users ?? 0),
      spread: load.spread,
      shared: load.shared ?? SHARED_OF[profile.name],
    },
    baseline: settingsOver(own.baseline, scenario.baseline),
    space: scenario.space ?? own.space,
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
