/**
 * Reads a visitor's eviction policy: an arithmetic expression, parsed by this grammar and never executed as code.
 *
 *   sum      = product {("+" | "-") product}
 *   product  = unary {("*" | "/") unary}
 *   unary    = "-" unary | power
 *   power    = atom ["^" unary]
 *   atom     = number | variable | function "(" sum {"," sum} ")" | "(" sum ")"
 *
 * Variables: age, frequency, position, cost, tokens. Functions: abs, sqrt, log, log2, exp, min, max. Bounded in length,
 * depth and size. Left out: comparisons and conditions; min and max do for them.
 */
import { BLOCK_POLICY_NAMES, type BlockPolicyName } from '../../core/eviction/blocks/index.ts';
import type { Read } from '../../core/json.ts';
import { exp, log, log2, pow } from '../../core/math.ts';
import { compactName, editDistance, orList } from '../../core/names.ts';
import { builtinScore } from './builtin.ts';
import { SCORE_VARIABLES, type Score, type ScoreFacts, type ScoreVariable } from './score.ts';
import { tokensOf, type Token } from './tokens.ts';

type Evaluate = (facts: ScoreFacts) => number;

export const SCORE_BOUNDS = { maxCharacters: 400, maxTokens: 200, maxDepth: 32 } as const;

interface ScoreFunction {
  readonly least: number;
  readonly most: number;
  readonly of: (values: readonly number[]) => number;
}

const one = (of: (x: number) => number): ScoreFunction => ({
  least: 1,
  most: 1,
  of: ([x = NaN]) => of(x),
});

const FUNCTIONS: Readonly<Record<string, ScoreFunction>> = {
  abs: one(Math.abs),
  sqrt: one(Math.sqrt),
  log: one(log),
  log2: one(log2),
  exp: one(exp),
  min: { least: 2, most: 8, of: (values) => Math.min(...values) },
  max: { least: 2, most: 8, of: (values) => Math.max(...values) },
};
export const SCORE_FUNCTIONS: readonly string[] = Object.keys(FUNCTIONS);

/** Refusal inside the parser; `parseScore` turns it into a sentence. */
class Refusal extends Error {}

function isVariable(name: string): name is ScoreVariable {
  return SCORE_VARIABLES.some((known) => known === name);
}

function nearest(name: string, among: readonly string[]): string {
  const scored = among.map((known, order) => ({ known, order, changes: editDistance(name, known) }));
  scored.sort((a, b) => a.changes - b.changes || a.order - b.order);
  return scored[0]?.known ?? '';
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Evaluate {
    const value = this.#sum();
    const rest = this.#tokens[this.#next];
    if (rest)
      throw new Refusal(
        `The expression has ${shown(rest)} at character ${rest.at + 1}, where it should end.`,
      );
    return value;
  }

  #sum(): Evaluate {
    return this.#deeper(() => {
      let left = this.#product();
      for (;;) {
        const sign = this.#take('+', '-');
        if (sign === null) return left;
        const [a, b] = [left, this.#product()];
        left = sign === '+' ? (facts) => a(facts) + b(facts) : (facts) => a(facts) - b(facts);
      }
    });
  }

  #product(): Evaluate {
    let left = this.#unary();
    for (;;) {
      const sign = this.#take('*', '/');
      if (sign === null) return left;
      const [a, b] = [left, this.#unary()];
      left = sign === '*' ? (facts) => a(facts) * b(facts) : (facts) => a(facts) / b(facts);
    }
  }

  #unary(): Evaluate {
    return this.#deeper(() => {
      if (this.#take('-') === null) return this.#power();
      const value = this.#unary();
      return (facts) => -value(facts);
    });
  }

  #power(): Evaluate {
    const base = this.#atom();
    if (this.#take('^') === null) return base;
    const exponent = this.#unary();
    return (facts) => pow(base(facts), exponent(facts));
  }

  #atom(): Evaluate {
    const token = this.#tokens[this.#next++];
    if (!token) throw new Refusal('The expression ends where a value should stand; add one.');
    if (token.kind === 'number') return () => token.value;
    if (token.kind === 'name') return this.#named(token.name, token.at);
    if (token.sign !== '(') {
      throw new Refusal(
        `The expression has ${shown(token)} at character ${token.at + 1}, where a value should stand.`,
      );
    }
    const inside = this.#sum();
    this.#close(token.at);
    return inside;
  }

  #named(name: string, at: number): Evaluate {
    if (isVariable(name)) return (facts) => facts[name];
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    if (!known) throw new Refusal(unknownName(name));
    if (this.#take('(') === null) throw new Refusal(`${name} is a function; write ${name}(…).`);
    const values = [this.#sum()];
    while (this.#take(',') !== null) values.push(this.#sum());
    this.#close(at);
    if (values.length < known.least || values.length > known.most) {
      const needed = known.least === known.most ? `${known.least}` : `${known.least} to ${known.most}`;
      throw new Refusal(
        `${name} has ${values.length} values; ${needed} ${needed === '1' ? 'is' : 'are'} needed.`,
      );
    }
    return (facts) => known.of(values.map((value) => value(facts)));
  }

  #take(...signs: string[]): string | null {
    const token = this.#tokens[this.#next];
    if (token?.kind !== 'sign' || !signs.includes(token.sign)) return null;
    this.#next++;
    return token.sign;
  }

  #close(opened: number): void {
    if (this.#take(')') === null)
      throw new Refusal(`The bracket opened at character ${opened + 1} is not closed; add ).`);
  }

  #deeper<T>(inside: () => T): T {
    // Two levels are spent on each bracket: a sum and what it begins with.
    if (++this.#depth > 2 * SCORE_BOUNDS.maxDepth) {
      throw new Refusal(
        `The expression is nested deeper than ${SCORE_BOUNDS.maxDepth} brackets; write it flatter.`,
      );
    }
    const value = inside();
    this.#depth--;
    return value;
  }
}

function shown(token: Token): string {
  const { kind } = token;
  switch (kind) {
    case 'number':
      return String(token.value);
    case 'name':
      return token.name;
    case 'sign':
      return `“${token.sign}”`;
    default:
      return kind satisfies never;
  }
}

function unknownName(name: string): string {
  const short = name.slice(0, 40);
  const meant = nearest(short.toLowerCase(), [...SCORE_VARIABLES, ...SCORE_FUNCTIONS]);
  return `${short} is not known in an expression; ${meant} is the nearest of ${orList(SCORE_VARIABLES)}, or a policy by name: ${orList(BLOCK_POLICY_NAMES)}.`;
}

function policyNamed(text: string): BlockPolicyName | undefined {
  const compact = compactName(text);
  return BLOCK_POLICY_NAMES.find((name) => name === compact);
}

/** What has no value (0/0, the logarithm of a negative number) goes last. */
function settled(evaluate: Evaluate): Evaluate {
  return (facts) => {
    const value = evaluate(facts);
    return value === value ? value : -Infinity;
  };
}

/**
 * A score from the name of a block policy (letter case and signs do not count: `age_decay`) or from an expression.
 * The sentence of a refusal says where, and what works.
 */
export function parseScore(text: string): Read<Score> {
  const refuse = (sentence: string): Read<Score> => ({ ok: false, sentence });
  const trimmed = text.trim();
  if (trimmed === '')
    return refuse('The eviction score is empty; write lru, or an expression such as age / frequency.');
  if (trimmed.length > SCORE_BOUNDS.maxCharacters) {
    return refuse(
      `The expression has ${trimmed.length} characters; the most is ${SCORE_BOUNDS.maxCharacters}.`,
    );
  }
  const name = policyNamed(trimmed);
  if (name !== undefined && /^[\w\s-]+$/.test(trimmed)) return { ok: true, value: builtinScore(name) };
  const tokens = tokensOf(trimmed);
  if (!tokens.ok) return tokens;
  if (tokens.value.length > SCORE_BOUNDS.maxTokens) {
    return refuse(`The expression has ${tokens.value.length} parts; the most is ${SCORE_BOUNDS.maxTokens}.`);
  }
  try {
    const of = settled(new Parser(tokens.value).whole());
    return { ok: true, value: { name: 'expression', text: trimmed, of } };
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message);
    throw error;
  }
}
