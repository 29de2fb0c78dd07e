/**
 * The plans of `scenarios/`, as partial layers over the defaults of their kind.
 *
 * Boundary: data only, as presets.ts, which lists them beside the other kinds.
 */
import planChat from '../../../../scenarios/plan-chat-8b.json' with { type: 'json' };
import planFleet from '../../../../scenarios/plan-fleet-70b.json' with { type: 'json' };
import planMoe from '../../../../scenarios/plan-moe-gpt-oss.json' with { type: 'json' };
import planLaptop from '../../../../scenarios/plan-laptop.json' with { type: 'json' };
import planRag from '../../../../scenarios/plan-rag-long-context.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const PLAN_LAYERS: Readonly<Record<string, JsonObject>> = {
  'plan-chat-8b': planChat,
  'plan-fleet-70b': planFleet,
  'plan-rag-long-context': planRag,
  'plan-moe-gpt-oss': planMoe,
  'plan-laptop': planLaptop,
};
