/**
 * The serving runs of `scenarios/`, as partial layers over the defaults of their kind.
 *
 * Boundary: data only, as presets.ts, which lists them beside the other kinds.
 */
import serveConcurrency from '../../../../scenarios/serve-concurrency.json' with { type: 'json' };
import serveLength from '../../../../scenarios/serve-length.json' with { type: 'json' };
import serveMixedLengths from '../../../../scenarios/serve-mixed-lengths.json' with { type: 'json' };
import servePagedOrContiguous from '../../../../scenarios/serve-paged-or-contiguous.json' with { type: 'json' };
import serveRate from '../../../../scenarios/serve-rate.json' with { type: 'json' };
import serveFirstToken from '../../../../scenarios/serve-first-token.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const SERVING_LAYERS: Readonly<Record<string, JsonObject>> = {
  'serve-concurrency': serveConcurrency,
  'serve-length': serveLength,
  'serve-mixed-lengths': serveMixedLengths,
  'serve-rate': serveRate,
  'serve-paged-or-contiguous': servePagedOrContiguous,
  'serve-first-token': serveFirstToken,
};
