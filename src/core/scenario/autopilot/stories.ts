/** Autopilots that come with KV Lab, as layers over the defaults; a file in scenarios/ and a line here each. */
import type { JsonObject } from '../../json.ts';

export const AUTOPILOT_LAYERS: Readonly<Record<string, JsonObject>> = {};
