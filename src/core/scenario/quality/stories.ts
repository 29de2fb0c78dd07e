/** The quality experiments of `scenarios/`, as partial layers over their defaults. Boundary: data only. */
import eviction from '../../../../scenarios/quality-eviction.json' with { type: 'json' };
import formats from '../../../../scenarios/quality-formats.json' with { type: 'json' };
import outliers from '../../../../scenarios/quality-outliers.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const QUALITY_LAYERS: Readonly<Record<string, JsonObject>> = {
  'quality-formats': formats,
  'quality-eviction': eviction,
  'quality-outliers': outliers,
};
