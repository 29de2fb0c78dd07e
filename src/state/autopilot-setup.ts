/** What the autopilot is asked: see ScenarioSetup. */
import { DEFAULT_AUTOPILOT } from '../core/scenario/autopilot/defaults.ts';
import type { AutopilotScenario } from '../core/scenario/autopilot/schema.ts';
import { withValueAt } from '../core/scenario/layer.ts';
import { parseAutopilot, validateAutopilot } from '../core/scenario/parse.ts';
import { AUTOPILOT_PRESETS, presetAutopilot } from '../core/scenario/presets.ts';
import { roomLink, ScenarioSetup, type SetupKind } from './scenario-setup.svelte.ts';
import type { KeyValue } from './theme.svelte.ts';

const AUTOPILOT_KIND: SetupKind<AutopilotScenario> = {
  door: { validate: validateAutopilot, parse: parseAutopilot, set: withValueAt },
  defaults: DEFAULT_AUTOPILOT,
  presets: AUTOPILOT_PRESETS,
  preset: presetAutopilot,
  linked: (link) => (link.ok && link.kind === 'autopilot' ? link : null),
  word: 'autopilot',
  room: '/autopilot',
  key: 'kvlab.draft.autopilot',
};

export class AutopilotSetup extends ScenarioSetup<AutopilotScenario> {
  constructor(tab: KeyValue | null = null) {
    super(AUTOPILOT_KIND, tab);
  }
}

/** The link of an autopilot's scenario, after `#`. */
export function autopilotLink(scenario: AutopilotScenario): Promise<string> {
  return roomLink(AUTOPILOT_KIND, scenario, null);
}
