/** Names of models as people and hubs write them. */

/** What training on leaves as it is: the name's end does not make another architecture. */
const TRAINED_ON = /[-_](instruct|chat|it|base|hf|bf16|fp8|preview)$/;

/** Organisation, case and signs do not count: `meta-llama/Llama-3.1-8B-Instruct` is `llama-3.1-8b`. */
export function modelKey(name: string): string {
  let text = name.trim().toLowerCase();
  text = text.slice(text.lastIndexOf('/') + 1);
  while (TRAINED_ON.test(text)) text = text.replace(TRAINED_ON, '');
  // The point stays: 3.5 is not 35.
  return text.replace(/[^a-z0-9.]/g, '');
}
