/**
 * transformers.js: load and generate in a browser, on WebGPU. The cache is the model's own; a dtype chooses among the
 * ONNX files that its repository has.
 */
import * as v from 'valibot';
import type { PlanChoice } from '../../../core/run/plan.ts';
import { accepted, FlagTable, type Argument } from '../flags.ts';
import rows from '../flags/transformers-js.json' with { type: 'json' };
import { gpusOf, type Renderer } from '../subject.ts';

export const TRANSFORMERS_JS_VALUES: FlagTable = v.parse(FlagTable, rows);

const DTYPES: Readonly<Record<PlanChoice['weights'], string>> = {
  bf16: 'fp16',
  fp8: 'q8',
  int8: 'q8',
  int4: 'q4f16',
  mxfp4: 'q4f16',
};

export function transformersJsArguments(choice: PlanChoice): readonly Argument[] {
  return accepted(TRANSFORMERS_JS_VALUES, [
    ['device', 'webgpu'],
    ['dtype', DTYPES[choice.weights]],
    ['max_length', choice.maxModelTokens],
  ]);
}

export const renderTransformersJs: Renderer = ({ choice, repository }) => {
  const notes = [
    'The repository needs ONNX files in this dtype; onnx-community has many models so.',
    ...(choice.weights === 'fp8' || choice.weights === 'mxfp4'
      ? [`There is no ${choice.weights} here; ${DTYPES[choice.weights]} takes about as many bytes.`]
      : []),
    ...(choice.kvFormat === 'bf16'
      ? []
      : [`The KV cache stays fp16: transformers.js has no ${choice.kvFormat} one.`]),
    ...(gpusOf(choice) > 1 ? ['A page has one GPU; this plan has more.'] : []),
  ];
  const text = `${notes.map((note) => `// ${note}\n`).join('')}import { pipeline } from '@huggingface/transformers';

const generate = await pipeline('text-generation', ${JSON.stringify(repository)}, {
  device: 'webgpu',
  dtype: '${DTYPES[choice.weights]}',
});
const [answer] = await generate('The KV cache holds', { max_length: ${choice.maxModelTokens} });
console.log(answer.generated_text);
`;
  transformersJsArguments(choice);
  return { text, language: 'javascript', file: 'generate.js', notes };
};
