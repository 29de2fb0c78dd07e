/**
 * The time to the first token of one prompt, three times: computed; found in the prefix cache; fetched back from host
 * memory, after other prompts took all of its blocks. Each repetition has a prompt of its own and begins with an empty
 * cache, so that nothing of the one before helps.
 */
import { createRandom } from '../../core/random.ts';
import type { ServeFirstToken } from '../../core/run/serve.ts';
import type { ServeScenario } from '../../core/scenario/serve/schema.ts';
import type { Engine } from '../../engine/engine.ts';
import type { EngineSettings } from '../../engine/engine-types.ts';
import { engineSettings } from './settings.ts';

export interface FirstTokenParts {
  /** An engine without requests and with an empty cache. */
  readonly fresh: (settings: EngineSettings) => Promise<Engine>;
  readonly maxPositionTokens: number;
  readonly kvBytesPerToken: number;
  readonly vocab: number;
  readonly reserved: ReadonlySet<number>;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
}

type From = ServeFirstToken['from'];
const FROM: readonly From[] = ['computed', 'prefix cache', 'host memory'];

interface Sample {
  readonly ms: number;
  readonly cachedTokens: number;
}

/** Prefix cache on, and host memory for the whole pool and the prompt. */
function settingsOf(scenario: ServeScenario, parts: FirstTokenParts): EngineSettings {
  const base = engineSettings(scenario, 'paged', parts);
  const poolBytes = base.numBlocks * base.blockSize * parts.kvBytesPerToken;
  return {
    ...base,
    prefixCaching: true,
    offload: 'host',
    hostBytes: Math.max(base.hostBytes, 4 * poolBytes),
  };
}

/** @throws Error of the engine; the signal's reason when aborted */
export async function measureFirstToken(
  scenario: ServeScenario,
  parts: FirstTokenParts,
): Promise<ServeFirstToken[]> {
  const { ttft } = scenario;
  if (ttft === null) return [];
  const settings = settingsOf(scenario, parts);
  const samples = new Map<From, Sample[]>(FROM.map((from) => [from, []]));
  // The first round compiles and warms up, and is dropped.
  for (let round = 0; round <= ttft.repeats; round++) {
    parts.signal.throwIfAborted();
    const engine = await parts.fresh(settings);
    const text = textOf(createRandom(scenario.seed).fork(`first token ${round}`), parts);
    const prompt = text(ttft.promptTokens);
    for (const from of FROM) {
      if (from === 'host memory') await crowdOut(engine, settings, text, parts.signal);
      const sample = await firstToken(engine, prompt, parts);
      if (round > 0) samples.get(from)?.push(sample);
    }
    parts.onProgress((round + 1) / (ttft.repeats + 1));
  }
  return FROM.map((from) => resultOf(from, samples.get(from) ?? [], ttft.promptTokens, settings.blockSize));
}

/** Samples in which nothing was found are no times of a cache, and say so instead. */
function resultOf(
  from: From,
  samples: readonly Sample[],
  promptTokens: number,
  blockSize: number,
): ServeFirstToken {
  const least = from === 'computed' ? 0 : Math.floor((promptTokens - 1) / blockSize) * blockSize;
  const found = samples.filter(({ cachedTokens }) => cachedTokens >= least);
  const missed = samples.length - found.length;
  return {
    from,
    samplesMs: found.map(({ ms }) => ms),
    cachedTokens: found.map(({ cachedTokens }) => cachedTokens),
    promptTokens,
    reason:
      missed === 0
        ? null
        : `In ${missed} of ${samples.length} repetitions the ${from} did not have all of the prompt’s full blocks; those are left out.`,
  };
}

function textOf(
  random: ReturnType<typeof createRandom>,
  { vocab, reserved }: FirstTokenParts,
): (tokens: number) => number[] {
  return (tokens) => {
    const text: number[] = [];
    while (text.length < tokens) {
      const token = random.below(vocab);
      if (!reserved.has(token)) text.push(token);
    }
    return text;
  };
}

const GREEDY = { temperature: 0, topP: 1, topK: 0, seed: 0 };

async function firstToken(engine: Engine, promptIds: number[], parts: FirstTokenParts): Promise<Sample> {
  const sentMs = parts.now();
  const request = engine.submit({ promptIds, maxTokens: 2, sampling: GREEDY, stopTokens: [] });
  let [ms, cachedTokens] = [NaN, 0];
  for (let report = await engine.step(); report; report = await engine.step()) {
    const joined = report.joined.indexOf(request);
    if (joined >= 0) cachedTokens = report.joinedCachedTokens[joined] ?? 0;
    const came = report.events.some((event) => event.request === request && event.index === 0);
    if (came) ms = report.endMs - sentMs;
  }
  return { ms, cachedTokens };
}

/** Other prompts, one after another, until every block of the pool has been given to one of them. */
async function crowdOut(
  engine: Engine,
  { numBlocks, blockSize, maxContextTokens }: EngineSettings,
  text: (tokens: number) => number[],
  signal: AbortSignal,
): Promise<void> {
  const most = maxContextTokens - 2;
  for (let tokens = 0; tokens < 2 * numBlocks * blockSize; tokens += most) {
    signal.throwIfAborted();
    engine.submit({ promptIds: text(most), maxTokens: 1, sampling: GREEDY, stopTokens: [] });
    while ((await engine.step()) !== null);
  }
}
