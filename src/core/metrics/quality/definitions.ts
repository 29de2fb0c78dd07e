/** What the quality laboratory measures: each once, in symbols. Tooltips, exports and docs read these. */

export interface QualityDefinition {
  readonly title: string;
  readonly unit: string;
  readonly definition: string;
  /** How its 95 % interval is found. */
  readonly interval: string;
  /** Which way is better. */
  readonly better: 'higher' | 'lower';
}

export const QUALITY_IDS = [
  'recall',
  'perplexity',
  'klDivergence',
  'top1Agreement',
  'attentionError',
  'tpotMs',
] as const;
export type QualityId = (typeof QUALITY_IDS)[number];

const BY_TEXT = '95 % bootstrap over texts, whole texts drawn again';

export const QUALITY_METRICS: Readonly<Record<QualityId, QualityDefinition>> = {
  recall: {
    title: 'Recall',
    unit: 'share',
    definition:
      'Share of questions whose answer gets the highest logit among all possible answers. The context lies in the cache, and is cut, before the question comes, unless the scenario ends the prompt with the question as well.',
    interval: '95 % exact binomial (Clopper–Pearson)',
    better: 'higher',
  },
  perplexity: {
    title: 'Perplexity',
    unit: '',
    definition:
      'exp(mean of −log p(token)) over the scored tokens, each computed in a decode step of its own.',
    interval: BY_TEXT,
    better: 'lower',
  },
  klDivergence: {
    title: 'KL divergence',
    unit: 'nats',
    definition:
      'Mean over the scored tokens of Σ p·log(p/q) over the vocabulary, p with the full f32 cache and q with this one, at the same positions of the same text.',
    interval: BY_TEXT,
    better: 'lower',
  },
  top1Agreement: {
    title: 'Top-1 agreement',
    unit: 'share',
    definition: 'Share of the scored tokens where the most probable token is that of the full f32 cache.',
    interval: BY_TEXT,
    better: 'higher',
  },
  attentionError: {
    title: 'Attention error',
    unit: 'share',
    definition:
      '‖o − ô‖ / ‖o‖ of each head’s attention output before the output projection, o with the full f32 cache, over the same positions; the mean over layers and heads. In layers behind the first it includes what the layers before have lost.',
    interval: '95 % bootstrap over sequences',
    better: 'lower',
  },
  tpotMs: {
    title: 'Time per output token',
    unit: 'ms',
    definition:
      'Median duration of a decode step of all sequences of the speed task, of each of which a step is one token.',
    interval: '95 % by order statistics, steps taken as independent',
    better: 'lower',
  },
};

export const BYTES_DEFINITION =
  'Bytes of K and V held for each token of the context, over all layers, scales and padding included. With eviction, what is kept is spread over the whole context; Quest keeps everything.';
