/** Names of models as people and hubs write them. */

/** What training on, a format of the weights and a container leave as they are: the end does not make another model. */
const LEAVES_SHAPES =
  /[-_.](instruct|chat|it|base|hf|bf16|fp8|preview|dynamic|awq|gptq|gguf|nvfp4|mxfp4|int[48]|bnb|[48]bit|quantized|w\d+a\d+)$/;

/** Organisation, case and signs do not count: `meta-llama/Llama-3.1-8B-Instruct` is `llama-3.1-8b`. */
export function modelKey(name: string): string {
  let text = name.trim().toLowerCase();
  text = text.slice(text.lastIndexOf('/') + 1);
  while (LEAVES_SHAPES.test(text)) text = text.replace(LEAVES_SHAPES, '');
  // The point stays: 3.5 is not 35.
  return text.replace(/[^a-z0-9.]/g, '');
}
