/** What the tuner is asked: see ScenarioSetup. */
import { withValueAt } from '../core/scenario/layer.ts';
import { parseTuning, validateTuning } from '../core/scenario/parse.ts';
import { presetTuning, TUNE_PRESETS } from '../core/scenario/presets.ts';
import { DEFAULT_TUNING } from '../core/scenario/tune/defaults.ts';
import type { TuneScenario } from '../core/scenario/tune/schema.ts';
import { roomLink, ScenarioSetup, type SetupKind } from './scenario-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

const TUNE_KIND: SetupKind<TuneScenario> = {
  door: { validate: validateTuning, parse: parseTuning, set: withValueAt },
  defaults: DEFAULT_TUNING,
  presets: TUNE_PRESETS,
  preset: presetTuning,
  linked: (link) => (link.ok && link.kind === 'tune' ? link : null),
  word: 'tuning',
  room: '/tune',
  key: 'kvlab.draft.tune',
};

export class TuneSetup extends ScenarioSetup<TuneScenario> {
  constructor(tab: KeyValue | null = null) {
    super(TUNE_KIND, tab);
  }
}

/** The link of a tuning's scenario, after `#`. */
export function tuneLink(scenario: TuneScenario): Promise<string> {
  return roomLink(TUNE_KIND, scenario, null);
}
