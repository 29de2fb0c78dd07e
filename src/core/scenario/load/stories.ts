/** Loads that come with KV Lab, as layers over the defaults; a file in scenarios/ and a line here each. Boundary: data only. */
import loadConversations from '../../../../scenarios/load-conversations.json' with { type: 'json' };
import loadEightStreams from '../../../../scenarios/load-eight-streams.json' with { type: 'json' };
import loadOpenLoop from '../../../../scenarios/load-open-loop.json' with { type: 'json' };
import loadRamp from '../../../../scenarios/load-ramp.json' with { type: 'json' };
import loadSharedPrefix from '../../../../scenarios/load-shared-prefix.json' with { type: 'json' };
import loadTrace from '../../../../scenarios/load-trace.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const LOAD_LAYERS: Readonly<Record<string, JsonObject>> = {
  'load-eight-streams': loadEightStreams,
  'load-ramp': loadRamp,
  'load-open-loop': loadOpenLoop,
  'load-conversations': loadConversations,
  'load-shared-prefix': loadSharedPrefix,
  'load-trace': loadTrace,
};
