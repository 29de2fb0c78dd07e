/** What the page, the command line and the laboratory know of a tokenizer. */

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Text of tokens as they come. What has been answered never changes: characters cut by a token's end wait for the rest. */
export interface TextStream {
  /** What this token adds; may be empty. */
  push(id: number): string;
  /** What was still waiting. */
  end(): string;
}

export interface EncodeOptions {
  /** Adds the tokens that the model expects around a text (its BOS); left out: yes. Not wanted after a chat template. */
  readonly special?: boolean;
}

export interface DecodeOptions {
  /** Writes control tokens such as `</s>` too; left out: no. */
  readonly special?: boolean;
}

export interface Tokenizer {
  /** @throws ModelError `too-large` */
  encode(text: string, options?: EncodeOptions): number[];
  /** @throws ModelError `values` for an id that is no token. */
  decode(ids: readonly number[], options?: DecodeOptions): string;
  stream(): TextStream;
  /**
   * The conversation as the model was taught to read it, ready for its answer; null without a chat template.
   * @throws ModelError `unsupported` where the template refuses it.
   */
  chat(messages: readonly ChatMessage[]): string | null;
  /** Whether there is a chat template. */
  readonly hasChat: boolean;
  readonly bos: number | null;
  readonly eos: number | null;
  /** Highest token id + 1. */
  readonly vocabSize: number;
}

/** A tokenizer's files as text, or what the vocabularies of other formats became. */
export interface TokenizerFiles {
  readonly tokenizerJson: string | TokenizerDocument;
  readonly tokenizerConfig?: string | TokenizerConfig;
  /** chat_template.jinja, where it lies beside tokenizer_config.json; it goes before the one inside. */
  readonly chatTemplate?: string;
}

/** The parts of a `tokenizer.json` that are checked at the door; the others are handed on as they are. */
export interface TokenizerDocument {
  readonly model: TokenizerModel;
  readonly added_tokens: readonly AddedToken[];
  readonly normalizer: object | null;
  readonly pre_tokenizer: object | null;
  readonly post_processor: object | null;
  readonly decoder: object | null;
}

export interface TokenizerModel {
  readonly type?: string | undefined;
  /** Token → id; a list of [token, score] for Unigram. */
  readonly vocab: Readonly<Record<string, number>> | readonly unknown[];
  readonly merges?: readonly unknown[] | undefined;
  readonly [setting: string]: unknown;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean | undefined;
  readonly single_word?: boolean | undefined;
  readonly lstrip?: boolean | undefined;
  readonly rstrip?: boolean | undefined;
  readonly normalized?: boolean | undefined;
}

/** `tokenizer_config.json`, of which only this is read here. */
export interface TokenizerConfig {
  readonly chat_template?: unknown;
  readonly [setting: string]: unknown;
}
