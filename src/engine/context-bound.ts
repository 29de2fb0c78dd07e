/** Launches know contexts as upper bounds in steps of this, so that their uniforms change seldom. */
const CONTEXT_STEP = 64;

export function contextBound(tokens: number): number {
  return Math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP;
}
