/**
 * The stories of `scenarios/` that a simulation tells, as partial layers over its defaults.
 *
 * Boundary: data only, as presets.ts, which lists them beside the experiments. Each one's `about` says what to look at,
 * and tests/sim/stories.test.ts that it shows what it says.
 */
import azureConversation from '../../../scenarios/azure-conversation.json' with { type: 'json' };
import tenBlocks from '../../../scenarios/ten-blocks.json' with { type: 'json' };
import type { JsonObject } from '../json.ts';

export const STORY_LAYERS: Readonly<Record<string, JsonObject>> = {
  'ten-blocks': tenBlocks,
  'azure-conversation': azureConversation,
};
