/** What a wish to generate can fail on: each one sentence with the number that is wrong and the nearest that works. */

/** A prompt, a length or a setting that this model or this adapter cannot serve. */
export class WishError extends Error {
  readonly code = 'bad-wish';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'WishError';
  }
}
