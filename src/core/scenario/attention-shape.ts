/** The door to the shape of one decode attention, as `attention --shape` takes it. */
import * as v from 'valibot';
import { readJson } from '../json.ts';
import { KV_FORMATS } from '../kv/formats.ts';
import { issueSentence } from '../sentences.ts';
import { SCENARIO_BOUNDS } from './parse.ts';
import { BLOCK_SIZES, HEAD_DIMS, TIERS } from './schema.ts';

const int = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const Shape = v.pipe(
  v.strictObject({
    batch: int(1, 1024),
    queryHeads: int(1, 256),
    kvHeads: int(1, 256),
    headDim: v.picklist(HEAD_DIMS),
    /** Tokens that each sequence of the batch has in the cache. */
    context: int(1, 1_048_576),
    blockSize: v.picklist(BLOCK_SIZES),
    kvFormat: v.picklist(KV_FORMATS),
    /** Forces a tier. */
    variant: v.exactOptional(v.picklist(TIERS)),
  }),
  v.check(
    ({ queryHeads, kvHeads }) => queryHeads % kvHeads === 0 && queryHeads / kvHeads <= 8,
    'queryHeads must be 1 to 8 times kvHeads, in whole numbers.',
  ),
);

export type ParsedAttentionShape =
  | { readonly ok: true; readonly shape: v.InferOutput<typeof Shape> }
  | { readonly ok: false; readonly sentence: string };

const EXAMPLE = {
  batch: 8,
  queryHeads: 32,
  kvHeads: 8,
  headDim: 128,
  context: 512,
  blockSize: 16,
  kvFormat: 'f32',
  variant: 'auto',
};

export function parseAttentionShape(text: string): ParsedAttentionShape {
  const read = readJson(text, { ...SCENARIO_BOUNDS, what: 'shape' });
  if (!read.ok) return read;
  const result = v.safeParse(Shape, read.value, { abortEarly: true });
  if (result.success) return { ok: true, shape: result.output };
  return { ok: false, sentence: issueSentence(result.issues, 'The shape', EXAMPLE) };
}
