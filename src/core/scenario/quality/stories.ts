/** The quality experiments of `scenarios/`, as partial layers over their defaults. Boundary: data only. */
import eviction from '../../../../scenarios/quality-eviction.json' with { type: 'json' };
import formats from '../../../../scenarios/quality-formats.json' with { type: 'json' };
import keysValues from '../../../../scenarios/quality-keys-values.json' with { type: 'json' };
import outliers from '../../../../scenarios/quality-outliers.json' with { type: 'json' };
import question from '../../../../scenarios/quality-question.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const QUALITY_LAYERS: Readonly<Record<string, JsonObject>> = {
  'quality-formats': formats,
  'quality-keys-values': keysValues,
  'quality-eviction': eviction,
  'quality-question': question,
  'quality-outliers': outliers,
};
