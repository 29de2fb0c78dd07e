/**
 * The stories of `scenarios/` that a simulation tells, as partial layers over its defaults.
 *
 * Boundary: data only, as presets.ts, which lists them beside the experiments. Each one's `about` says what to look at,
 * and tests/sim/stories.test.ts that it shows what it says.
 */
import azureConversation from '../../../scenarios/azure-conversation.json' with { type: 'json' };
import burstyArrivals from '../../../scenarios/bursty-arrivals.json' with { type: 'json' };
import cacheThrash from '../../../scenarios/cache-thrash.json' with { type: 'json' };
import chunkSize from '../../../scenarios/chunk-size.json' with { type: 'json' };
import disaggregation from '../../../scenarios/disaggregation.json' with { type: 'json' };
import mooncakeConversation from '../../../scenarios/mooncake-conversation.json' with { type: 'json' };
import offloadHelps from '../../../scenarios/offload-helps.json' with { type: 'json' };
import offloadHurts from '../../../scenarios/offload-hurts.json' with { type: 'json' };
import preemptionStorm from '../../../scenarios/preemption-storm.json' with { type: 'json' };
import remoteCache from '../../../scenarios/remote-cache.json' with { type: 'json' };
import sharedSystemPrompt from '../../../scenarios/shared-system-prompt.json' with { type: 'json' };
import slidingWindow from '../../../scenarios/sliding-window.json' with { type: 'json' };
import staticOrContinuous from '../../../scenarios/static-or-continuous.json' with { type: 'json' };
import tenBlocks from '../../../scenarios/ten-blocks.json' with { type: 'json' };
import type { JsonObject } from '../json.ts';

export const STORY_LAYERS: Readonly<Record<string, JsonObject>> = {
  'shared-system-prompt': sharedSystemPrompt,
  'static-or-continuous': staticOrContinuous,
  'chunk-size': chunkSize,
  'bursty-arrivals': burstyArrivals,
  'preemption-storm': preemptionStorm,
  'cache-thrash': cacheThrash,
  'offload-helps': offloadHelps,
  'offload-hurts': offloadHurts,
  disaggregation,
  'sliding-window': slidingWindow,
  'remote-cache': remoteCache,
  'azure-conversation': azureConversation,
  'mooncake-conversation': mooncakeConversation,
  'ten-blocks': tenBlocks,
};
