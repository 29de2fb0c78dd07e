/**
 * What the shipped model is judged on: a fact to recall after a distance, and prose it has not seen.
 *
 * The language is a ledger of facts (`Ada pearl .`), questions (`? Ada`), sentences of a small grammar and pauses. A
 * fact binds one of 128 names to one of 64 things, drawn independently, so that only the fact itself tells the answer.
 * Sentences agree in number across relative clauses, and a person keeps one home through a document
 * (`the baker of Riga`). scripts/train/data.py draws the same sequences, draw for draw: a change here is a change there,
 * and both are held to the same golden examples. Token ids are positions in ledger-vocabulary.json.
 * Boundary: token ids only. Training data (and copying) exist in Python alone.
 */
import { createRandom, type Random } from '../random.ts';
import ledger from './ledger-vocabulary.json' with { type: 'json' };

/** The words; a word's position is its token id. */
export const LEDGER_TOKENS: readonly string[] = ledger.tokens;

type GrammaticalNumber = 'singular' | 'plural';
type ByNumber = Readonly<Record<GrammaticalNumber, readonly number[]>>;

const idOf = new Map(LEDGER_TOKENS.map((token, id) => [token, id]));

function tokenId(word: string): number {
  const id = idOf.get(word);
  if (id === undefined) throw new RangeError(`The ledger has no word ${JSON.stringify(word)}.`);
  return id;
}

const ids = (words: readonly string[]): readonly number[] => words.map(tokenId);
const byNumber = (group: { singular: readonly string[]; plural: readonly string[] }): ByNumber => ({
  singular: ids(group.singular),
  plural: ids(group.plural),
});

const BOS = tokenId('<s>');
const THE = tokenId('the');
const STOP = tokenId(ledger.marks.stop);
const ASK = tokenId(ledger.marks.ask);
const PAUSE = tokenId(ledger.marks.pause);
const OF = tokenId(ledger.links.of);
const THAT = tokenId(ledger.links.that);
const NEAR = tokenId(ledger.links.near);
const KEYS = ids(ledger.keys);
const VALUES = ids(ledger.values);
const ROLES = ids(ledger.roles);
const CITIES = ids(ledger.cities);
const ADJECTIVES = ids(ledger.adjectives);
const PLACES = ids(ledger.places);
const NOUNS = byNumber(ledger.nouns);
const RESTS = byNumber(ledger.rests);
const ACTS = byNumber(ledger.acts);
const DETERMINERS = byNumber(ledger.determiners);

function pick(random: Random, items: readonly number[]): number {
  return items[random.below(items.length)] ?? 0;
}

/** A copy in random order: the Fisher–Yates shuffle that data.py has (random.ts's own sorts by drawn keys). */
function shuffled(random: Random, items: readonly number[]): number[] {
  const pool = [...items];
  for (let i = 0; i < pool.length; i++) {
    const j = i + random.below(pool.length - i);
    const held = pool[i] ?? 0;
    pool[i] = pool[j] ?? 0;
    pool[j] = held;
  }
  return pool;
}

/** The city of each role in one document. Two roles may share one. */
function homes(random: Random): readonly number[] {
  return ROLES.map(() => pick(random, CITIES));
}

function anyNumber(random: Random): GrammaticalNumber {
  return random.below(2) === 0 ? 'singular' : 'plural';
}

function nounPhrase(random: Random, number: GrammaticalNumber): number[] {
  const phrase = [pick(random, DETERMINERS[number])];
  if (random.below(3) === 0) phrase.push(pick(random, ADJECTIVES));
  phrase.push(pick(random, NOUNS[number]));
  return phrase;
}

/** A person with a home (half of all), or a noun phrase; and the number that its verb must agree with. */
function subject(random: Random, home: readonly number[]): { words: number[]; number: GrammaticalNumber } {
  if (random.below(2) === 0) {
    const role = random.below(ROLES.length);
    return { words: [THE, ROLES[role] ?? 0, OF, home[role] ?? 0], number: 'singular' };
  }
  const number = anyNumber(random);
  return { words: nounPhrase(random, number), number };
}

/** What stands between a subject and its verb: nothing, a place, or a relative clause of either kind. */
function clause(random: Random, number: GrammaticalNumber): number[] {
  const kind = random.below(4);
  if (kind === 0) return [];
  if (kind === 1) return [NEAR, THE, pick(random, PLACES)];
  const other = anyNumber(random);
  if (kind === 2) return [THAT, pick(random, ACTS[number]), ...nounPhrase(random, other)];
  return [THAT, ...nounPhrase(random, other), pick(random, ACTS[other])];
}

function sentence(random: Random, home: readonly number[]): number[] {
  const { words, number } = subject(random, home);
  words.push(...clause(random, number));
  if (random.below(2) === 0) return [...words, pick(random, RESTS[number]), STOP];
  return [...words, pick(random, ACTS[number]), ...subject(random, home).words, STOP];
}

/** Exactly `tokens` tokens of other facts and sentences, evenly drawn; pauses fill what no unit fits. */
function filler(random: Random, tokens: number, keys: number[], home: readonly number[]): number[] {
  const words: number[] = [];
  while (words.length < tokens) {
    const key = random.below(2) === 0 ? keys.pop() : undefined;
    const unit = key === undefined ? sentence(random, home) : [key, pick(random, VALUES), STOP];
    words.push(...(words.length + unit.length <= tokens ? unit : [PAUSE]));
  }
  return words;
}

export interface RecallSettings {
  readonly seed: number;
  /** Tokens from the fact's value to the answer, at least 4: the answer's position less the value's. */
  readonly distanceTokens: number;
  /** 0: the fact stands right behind the first token; 1: as far behind as the context allows. */
  readonly depth: number;
  /** Longest prompt and answer together. */
  readonly contextTokens: number;
}

export interface RecallTask {
  /** The prompt, `? name` last. */
  readonly ids: readonly number[];
  /** ids.length: where the answer belongs; the logits of the prompt's last token predict it. */
  readonly answerPosition: number;
  readonly answerId: number;
  /** Where the fact's value stands. */
  readonly factPosition: number;
  /** Every thing that a name can be bound to: chance is 1 / candidates.length. */
  readonly candidates: readonly number[];
}

/** One fact among others and one question at the end. @throws RangeError when the distance does not fit. */
export function recallTask({ seed, distanceTokens, depth, contextTokens }: RecallSettings): RecallTask {
  // Before the value stand BOS and the fact's name.
  const free = contextTokens - distanceTokens - 3;
  if (!Number.isInteger(distanceTokens) || distanceTokens < 4 || free < 0) {
    throw new RangeError(
      `A fact ${distanceTokens} tokens back does not fit a context of ${contextTokens}; ` +
        `from 4 to ${contextTokens - 3} does.`,
    );
  }
  if (!(depth >= 0 && depth <= 1)) throw new RangeError(`The depth is ${depth}; 0 to 1 is needed.`);
  const random = createRandom(seed);
  const home = homes(random);
  const keys = shuffled(random, KEYS);
  const key = keys.pop() ?? 0;
  const answerId = pick(random, VALUES);
  const before = filler(random, Math.floor(depth * free + 0.5), keys, home);
  const prompt = [BOS, ...before, key, answerId, STOP];
  const factPosition = prompt.length - 2;
  prompt.push(...filler(random, distanceTokens - 4, keys, home), ASK, key);
  return { ids: prompt, answerPosition: prompt.length, answerId, factPosition, candidates: VALUES };
}

/** A document of prose, the first token BOS, cut at `tokens`. */
export function heldOutText({ seed, tokens }: { readonly seed: number; readonly tokens: number }): number[] {
  const random = createRandom(seed);
  const home = homes(random);
  const text = [BOS];
  while (text.length < tokens) text.push(...sentence(random, home));
  return text.slice(0, tokens);
}

export interface RecallQuiz {
  /** Facts and sentences, the first question last. */
  readonly ids: readonly number[];
  /** What is said behind them: an answer is left to the model (a hole), the next question is given. */
  readonly asked: readonly number[];
  /** What the answers should be, hole by hole. */
  readonly answers: readonly number[];
}

/** Shortest prompt of a quiz: the first token, a fact, a question. */
export const LEAST_QUIZ_TOKENS = 6;
/** An answer, a stop, and the next question. */
const ROUND = 4;

/** A text of facts about which one question after the other is asked, each of them in turn. No twin in data.py. */
export function recallQuiz(seed: number, promptTokens: number, outputTokens: number): RecallQuiz {
  const { ids, answerId } = recallTask({
    ...{ seed, depth: 0 },
    distanceTokens: promptTokens - 2,
    contextTokens: promptTokens + 1,
  });
  const key = ids.at(-1) ?? 0;
  const others = factsOf(ids.slice(STOP_OF_FIRST + 1));
  const facts = [[key, answerId] as const, ...createRandom(seed).fork('quiz').shuffled(others)];
  const asked: number[] = [];
  const answers: number[] = [];
  for (let at = 0, round = 0; at < outputTokens; at += ROUND, round++) {
    const [, answer = 0] = facts[round % facts.length] ?? [];
    const [next = 0] = facts[(round + 1) % facts.length] ?? [];
    answers.push(answer);
    [STOP, ASK, next].forEach((token, i) => {
      if (at + 1 + i < outputTokens) asked[at + 1 + i] = token;
    });
  }
  return { ids, asked, answers };
}

/** BOS, name, thing, stop. */
const STOP_OF_FIRST = 3;

function factsOf(text: readonly number[]): (readonly [number, number])[] {
  return text.flatMap((word, i) => {
    const thing = text[i + 1] ?? -1;
    return KEYS.includes(word) && VALUES.includes(thing) ? [[word, thing] as const] : [];
  });
}
