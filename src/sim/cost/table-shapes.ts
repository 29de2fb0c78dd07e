/**
 * The number of tokens that kernels run with, given the number that a step has.
 *
 * vLLM replays a CUDA graph captured for the next larger size where it has one, so up to the largest captured size a
 * step costs what that size costs. Beyond, tokens are what they are, but matrix units take 16 rows at a time: 641 tokens
 * cost what 656 cost, and not a sixteenth of the way from 640. (vllm/config/vllm.py, 0.19; PTX mma.m16n8k16)
 */

/** Rows of one matrix instruction for 16-bit numbers. */
const TILE_ROWS = 16;
const LARGEST_GRAPH = 512;

/** Sizes that vLLM 0.19 captures unless told otherwise: 1, 2, 4, each 8th, from 256 on each 16th. */
export function defaultGraphSizes(maxSequences: number, tokenBudget: number): number[] {
  const largest = Math.min(2 * maxSequences, LARGEST_GRAPH, tokenBudget);
  const sizes: number[] = [1, 2, 4];
  for (let size = 8; size < 256; size += 8) sizes.push(size);
  for (let size = 256; size <= LARGEST_GRAPH; size += TILE_ROWS) sizes.push(size);
  return sizes.filter((size) => size <= largest);
}

/** Tokens → tokens that kernels see, for each count up to the largest graph, as an array. */
export function paddedSizes(graphSizes: readonly number[]): Int32Array {
  const rising = [...graphSizes].sort((a, b) => a - b);
  const padded = new Int32Array((rising.at(-1) ?? 0) + 1);
  let at = 0;
  for (let tokens = 1; tokens < padded.length; tokens++) {
    while ((rising[at] ?? Infinity) < tokens) at++;
    padded[tokens] = rising[at] ?? tokens;
  }
  return padded;
}

/** @param padded of `paddedSizes` */
export function kernelTokens(tokens: number, padded: Int32Array): number {
  return tokens < padded.length ? (padded[tokens] ?? tokens) : Math.ceil(tokens / TILE_ROWS) * TILE_ROWS;
}
