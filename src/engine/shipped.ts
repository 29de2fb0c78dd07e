/**
 * The model that ships with the page: where its files are and what its card says.
 *
 * A Llama-shaped decoder trained by scripts/train on facts to recall, a small grammar and copying (public/models/).
 * Boundary: names of files and the card's shape. Reading weights is weights/, and whoever loads it gives the folder:
 * the page its own address, a test or the command line a path.
 */
export const SHIPPED_MODEL = {
  id: 'ledger-485k',
  /** Folder below the page's own (built with a relative base). */
  folder: 'models/ledger-485k/',
  weights: 'model.safetensors',
  config: 'config.json',
  tokenizer: 'tokenizer.json',
  card: 'card.json',
  /** In the order in which a loader wants them. */
  files: [
    'config.json',
    'generation_config.json',
    'tokenizer.json',
    'tokenizer_config.json',
    'special_tokens_map.json',
    'model.safetensors',
    'card.json',
  ],
  /** A prompt that shows what it can do: the next word is `pearl`. */
  examplePrompt:
    'Ada pearl . the baker of Riga sees 3 dogs . Ben copper . the horse that the cats follow sleeps . Cleo drum . ? Ada',
  exampleAnswer: 'pearl',
} as const;

/** Address of one file, from the address of the page or of the folder that holds `models/`. */
export function shippedModelUrl(file: (typeof SHIPPED_MODEL.files)[number], base: string | URL): string {
  return new URL(SHIPPED_MODEL.folder + file, base).href;
}

export interface Share {
  readonly right: number;
  readonly total: number;
  readonly share: number;
  /** 95 %, Wilson. */
  readonly interval: readonly [number, number];
}

export interface ModelEvaluation {
  /** By distance in tokens from the fact's value to the answer. */
  readonly recall: readonly (Share & { readonly distance: number })[];
  readonly copying: Share;
  /** Verbs of held-out prose whose number agrees with their subject. */
  readonly agreement: Share;
  /** Cities of persons named before in the same document that are named again rightly. */
  readonly homes: Share;
  readonly perplexity: {
    readonly documents: number;
    readonly tokens: number;
    readonly value: number;
    readonly interval: readonly [number, number];
  };
}

/** card.json, as scripts/train/export.py and evaluate.py write it. */
export interface ShippedModelCard {
  readonly name: string;
  readonly about: string;
  readonly licence: string;
  readonly parameters: number;
  readonly data: string;
  readonly seed: number;
  readonly steps: number;
  readonly tokensSeen: number;
  readonly lossCurve: readonly {
    readonly step: number;
    readonly stage: string;
    readonly answerLoss: number | null;
    readonly proseLoss: number | null;
    /** Share of training answers that were right. */
    readonly right: number | null;
  }[];
  readonly evaluation: {
    readonly seed: number;
    readonly contextTokens: number;
    readonly chance: number;
    readonly full: ModelEvaluation;
    /** Every layer sees its last `windowTokens` tokens only. */
    readonly windows: readonly (ModelEvaluation & { readonly windowTokens: number })[];
    /** Every token in view, in contexts twice as long. */
    readonly long: { readonly contextTokens: number; readonly recall: ModelEvaluation['recall'] };
    /** [layer][head] mean attention of late rows. */
    readonly attentionSinks: {
      readonly firstFourTokens: readonly (readonly number[])[];
      readonly bosAlone: readonly (readonly number[])[];
      readonly uniformWouldGive: number;
    };
  };
}
