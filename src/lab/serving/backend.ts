/**
 * What the serving lab may put beside the paged engine: anything that continues one prompt of token ids, one request at a
 * time, and says when each token came.
 *
 * Boundary: a request in, tokens and times out. Batching, arrival and metrics are the laboratory's; how a backend gets its
 * model is its own affair.
 */

export interface GenerationTiming {
  /** Milliseconds from the call to the first token. */
  readonly ttftMs: number;
  /** Milliseconds from the call to each token; the first is `ttftMs`. Never descending. */
  readonly tokenTimesMs: readonly number[];
  /** Output tokens only, greedy; shorter than asked for where the model ended it. */
  readonly tokens: readonly number[];
}

export interface BackendProgress {
  /** What is being done, for a person. */
  readonly text: string;
  readonly loadedBytes: number;
  /** 0: not known. */
  readonly totalBytes: number;
}

export interface GenerationOptions {
  readonly signal?: AbortSignal;
  /** Goes on past the model's end token, so that runs of equal length can be compared. */
  readonly ignoreEnd?: boolean;
}

export interface GenerationBackend {
  /** For people and reports, with what it runs on: `@huggingface/transformers 4.2 (WASM)`. Final after `load`. */
  readonly name: string;
  /** Bytes of KV cache held after the newest call to `generate`; null where the backend can't say. */
  readonly kvBytes: number | null;
  /** @throws Error with one sentence. Calling it again does nothing. */
  load(onProgress?: (progress: BackendProgress) => void, signal?: AbortSignal): Promise<void>;
  /** Greedy. `onToken` is called with each token as it comes. @throws Error with one sentence. */
  generate(
    promptIds: readonly number[],
    maxTokens: number,
    onToken?: (token: number, atMs: number) => void,
    options?: GenerationOptions,
  ): Promise<GenerationTiming>;
  dispose(): Promise<void>;
}
