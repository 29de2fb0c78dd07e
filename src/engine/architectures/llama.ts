/** Llama 2 and 3 with scaled RoPE, and what has their shape: SmolLM2, TinyLlama, llama2.c. */
import * as v from 'valibot';
import { fitting } from '../files/json-file.ts';
import { FIELDS, type Architecture } from './architecture.ts';
import { llamaShapedPlan, readLlamaShaped } from './llama-shaped.ts';

const Own = v.object({ attention_bias: FIELDS.flag, mlp_bias: FIELDS.flag });

export const LLAMA: Architecture = {
  family: 'llama',
  title: 'Llama 2 and 3, SmolLM2, TinyLlama',
  read: (json, name) => {
    const own = fitting(name, Own, json);
    const attention = own.attention_bias ?? false;
    return readLlamaShaped('llama', json, name, {
      biases: { qkv: attention, output: attention, mlp: own.mlp_bias ?? false },
    });
  },
  plan: llamaShapedPlan,
};
