/** What a load asks of a server: see ScenarioSetup. The server itself is no part of it. */
import { withValueAt } from '../core/scenario/layer.ts';
import { DEFAULT_LOAD } from '../core/scenario/load/defaults.ts';
import type { LoadScenario } from '../core/scenario/load/schema.ts';
import { parseLoad, validateLoad } from '../core/scenario/parse.ts';
import { LOAD_PRESETS, presetLoad } from '../core/scenario/presets.ts';
import { roomLink, ScenarioSetup, type SetupKind } from './scenario-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

const LOAD_KIND: SetupKind<LoadScenario> = {
  door: { validate: validateLoad, parse: parseLoad, set: withValueAt },
  defaults: DEFAULT_LOAD,
  presets: LOAD_PRESETS,
  preset: presetLoad,
  linked: (link) => (link.ok && link.kind === 'load' ? link : null),
  word: 'load',
  room: '/connect',
  key: 'kvlab.draft.load',
};

export class LoadSetup extends ScenarioSetup<LoadScenario> {
  constructor(tab: KeyValue | null = null) {
    super(LOAD_KIND, tab);
  }
}

/** The link of a load's scenario, after `#`. */
export function loadLink(scenario: LoadScenario): Promise<string> {
  return roomLink(LOAD_KIND, scenario, null);
}
