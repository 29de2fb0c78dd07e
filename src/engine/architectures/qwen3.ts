/** Qwen3 (dense): Llama's shape with an RMS norm over each query and key head, and heads wider than hidden / heads. */
import * as v from 'valibot';
import { fitting } from '../files/json-file.ts';
import { FIELDS, type Architecture } from './architecture.ts';
import { llamaShapedPlan, readLlamaShaped } from './llama-shaped.ts';
import { qwenWindow } from './qwen2.ts';

// 128 is what transformers takes where a file names none: a Qwen3 head is not the width over the heads.
const Own = v.object({ attention_bias: FIELDS.flag, head_dim: FIELDS.headDim });

export const QWEN3: Architecture = {
  family: 'qwen3',
  title: 'Qwen3, dense',
  read: (json, name) => {
    const own = fitting(name, Own, json);
    const biased = own.attention_bias ?? false;
    const filled = { ...json, head_dim: own.head_dim ?? 128 };
    return readLlamaShaped('qwen3', filled, name, {
      qkNorm: true,
      biases: { qkv: biased, output: biased },
      windowTokens: qwenWindow(json, name),
    });
  },
  plan: llamaShapedPlan,
};
