/** Mistral: Llama's shape with a sliding window in every layer (version 0.1) or none (from 0.2 on). */
import * as v from 'valibot';
import { fitting } from '../files/json-file.ts';
import { FIELDS, type Architecture } from './architecture.ts';
import { llamaShapedPlan, readLlamaShaped } from './llama-shaped.ts';

// transformers takes 8 KV heads where the file names none; every published file names them, so a missing one is a fault.
const Own = v.object({ sliding_window: FIELDS.window, num_key_value_heads: FIELDS.heads });

export const MISTRAL: Architecture = {
  family: 'mistral',
  title: 'Mistral, with its sliding window',
  read: (json, name) =>
    readLlamaShaped('mistral', json, name, { windowTokens: fitting(name, Own, json).sliding_window ?? 0 }),
  plan: llamaShapedPlan,
};
