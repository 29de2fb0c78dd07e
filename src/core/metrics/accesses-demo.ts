/**
 * A made-up log to look at: chat sessions over a small prefix cache. System prompts of unequal popularity, sessions that
 * resend their history with each turn, one-off documents that flush the cache now and then. Nothing in it was measured.
 */
import { PrefixCache } from '../kv/prefix-cache.ts';
import { createRandom, type Random } from '../random.ts';
import { AccessRecorder, type AccessLog } from './accesses-log.ts';

/** A block is one "token" here: what counts is which blocks are shared. */
const BLOCK_SIZE = 1;
const CACHE_BLOCKS = 96;
const SYSTEM_PROMPTS = 4;
const SYSTEM_BLOCKS = 6;
const LIVE_SESSIONS = 10;
const MEAN_GAP_MS = 400;
const MOST_TURNS = 8;
const DOCUMENT_BLOCKS = 40;

interface Session {
  readonly history: number[];
  turnsLeft: number;
}

/** @param numAccesses exactly so many: the last prompt may be cut */
export function demoAccessLog(numAccesses: number, seed = 1): AccessLog {
  const random = createRandom(seed).fork('access demo');
  const cache = new PrefixCache({ blockSize: BLOCK_SIZE, maxCachedBlocks: CACHE_BLOCKS });
  const recorder = new AccessRecorder();
  let now = 0;
  const record = (hash: string, hit: boolean, depth: number): void => {
    if (recorder.length < numAccesses) recorder.record(hash, now, hit, depth);
  };
  cache.on('hit', ({ hash, depth }) => record(hash, true, depth));
  cache.on('miss', ({ hash, depth }) => record(hash, false, depth));
  const prompts = demoPrompts(random);
  while (recorder.length < numAccesses) {
    now += MEAN_GAP_MS * random.exponential();
    const prompt = prompts();
    const hashes = cache.blockHashes(prompt);
    cache.lookup(hashes, prompt.length + 1);
    cache.insert(
      hashes,
      hashes.map((_, i) => i),
    );
  }
  return recorder.log('ms');
}

/** One prompt after the other, as lists of block contents. */
function demoPrompts(random: Random): () => number[] {
  let fresh = SYSTEM_PROMPTS * SYSTEM_BLOCKS;
  const blocks = (count: number): number[] => Array.from({ length: count }, () => fresh++);
  const newSession = (): Session => {
    // The lower of two draws: the first prompts are the popular ones.
    const system = Math.min(random.below(SYSTEM_PROMPTS), random.below(SYSTEM_PROMPTS));
    const history = Array.from({ length: SYSTEM_BLOCKS }, (_, i) => system * SYSTEM_BLOCKS + i);
    return { history, turnsLeft: 1 + random.below(MOST_TURNS) };
  };
  const sessions = Array.from({ length: LIVE_SESSIONS }, newSession);
  return () => {
    if (random.below(25) === 0) return blocks(DOCUMENT_BLOCKS);
    const at = random.below(LIVE_SESSIONS);
    const session = sessions[at] ?? newSession();
    session.history.push(...blocks(1 + random.below(3)));
    const prompt = [...session.history];
    if (--session.turnsLeft === 0) sessions[at] = newSession();
    return prompt;
  };
}
