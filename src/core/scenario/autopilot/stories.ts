/** Autopilots that come with KV Lab, as layers over the defaults; a file in scenarios/ and a line here each. */
import autopilotAdmission from '../../../../scenarios/autopilot-admission.json' with { type: 'json' };
import autopilotChunk from '../../../../scenarios/autopilot-chunk.json' with { type: 'json' };
import autopilotCombined from '../../../../scenarios/autopilot-combined.json' with { type: 'json' };
import autopilotEngine from '../../../../scenarios/autopilot-engine.json' with { type: 'json' };
import autopilotEvict from '../../../../scenarios/autopilot-evict.json' with { type: 'json' };
import autopilotFetch from '../../../../scenarios/autopilot-fetch.json' with { type: 'json' };
import autopilotHarmful from '../../../../scenarios/autopilot-harmful-int2.json' with { type: 'json' };
import autopilotOffload from '../../../../scenarios/autopilot-offload.json' with { type: 'json' };
import autopilotRising from '../../../../scenarios/autopilot-rising-load.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const AUTOPILOT_LAYERS: Readonly<Record<string, JsonObject>> = {
  'autopilot-rising-load': autopilotRising,
  'autopilot-harmful-int2': autopilotHarmful,
  'autopilot-offload': autopilotOffload,
  'autopilot-fetch': autopilotFetch,
  'autopilot-evict': autopilotEvict,
  'autopilot-admission': autopilotAdmission,
  'autopilot-chunk': autopilotChunk,
  'autopilot-combined': autopilotCombined,
  'autopilot-engine': autopilotEngine,
};
