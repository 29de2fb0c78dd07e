/** How much of the prompts is the same text: what a prefix cache could at best reuse. */

export interface SessionShape {
  readonly systemTokens: number;
  readonly userTokens: number;
  readonly assistantTokens: number;
  readonly turns: number;
}

export interface Reuse {
  readonly promptTokens: number;
  readonly reusableTokens: number;
  /** reusable / prompt tokens. */
  readonly idealHitRatio: number;
}

/**
 * A session that resends its history: turn t has system + (t−1)(user + assistant) + user tokens, of which all but the
 * newest user message and the answer before it were seen. The first turn is cold.
 */
export function multiTurnReuse({ systemTokens, userTokens, assistantTokens, turns }: SessionShape): Reuse {
  let promptTokens = 0;
  let reusableTokens = 0;
  for (let turn = 0; turn < turns; turn++) {
    const history = systemTokens + turn * (userTokens + assistantTokens);
    promptTokens += history + userTokens;
    if (turn > 0) reusableTokens += history;
  }
  return { promptTokens, reusableTokens, idealHitRatio: reusableTokens / promptTokens };
}
