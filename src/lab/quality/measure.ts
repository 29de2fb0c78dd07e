/**
 * The measurements of one cell: recall, texts against the full cache, decode speed. Each takes an engine that holds the
 * cell's cache and gives samples as a run keeps them.
 */
import type { RecallSamples, TextSamples } from '../../core/run/quality.ts';
import type { QualityTasks } from '../../core/scenario/quality/schema.ts';
import type { StepReport } from '../../engine/engine-types.ts';
import type { QualityEngine } from './engine-port.ts';
import { drain, GREEDY, runForced, type ForcedJob, type Watch } from './forced.ts';
import { argmax, judge, klDivergence, logProbabilities } from './logits.ts';
import { QUESTION_TOKENS, type RecallQuestion } from './tasks.ts';

/**
 * The question stands behind the prompt, so that the cache was cut without knowing it; or at the prompt's end as well, where
 * a policy sees it. It is always asked behind the cut: what the prompt itself answers has seen every token.
 */
function jobOf(
  { ids, answerId, candidates }: RecallQuestion,
  question: QualityTasks['recall']['question'],
  onJudged: (judged: ReturnType<typeof judge>) => void,
): ForcedJob {
  const at = ids.length - QUESTION_TOKENS;
  return {
    promptIds: question === 'behind' ? ids.slice(0, at) : ids,
    forced: [...ids.slice(at), answerId],
    onLogits: (index, logits) => {
      if (index === QUESTION_TOKENS) onJudged(judge(logits, answerId, candidates));
    },
  };
}

export async function measureRecall(
  engine: QualityEngine,
  questions: readonly RecallQuestion[],
  { recall }: Pick<QualityTasks, 'recall'>,
  watch: Watch,
): Promise<RecallSamples[]> {
  const judged = questions.map((): { right: 0 | 1; probability: number } => ({ right: 0, probability: 0 }));
  const jobs = questions.map((question, i) =>
    jobOf(question, recall.question, (result) => (judged[i] = result)),
  );
  await runForced(engine, jobs, watch);
  return recall.distances.flatMap((distance) =>
    recall.depths.map((depth): RecallSamples => {
      const mine = judged.filter(
        (_, i) => questions[i]?.distance === distance && questions[i].depth === depth,
      );
      return {
        distance,
        depth,
        right: mine.map(({ right }) => right),
        probability: mine.map(({ probability }) => probability),
      };
    }),
  );
}

/** Log probabilities of the full cache: [text][scored position] → f32 [vocab]. */
export type ReferenceLogs = Float32Array[][];

/** @param reference filled where it is empty, which makes this cell the reference */
export async function measureTexts(
  engine: QualityEngine,
  texts: readonly (readonly number[])[],
  { text }: Pick<QualityTasks, 'text'>,
  reference: ReferenceLogs,
  watch: Watch,
): Promise<TextSamples[]> {
  const isReference = reference.length === 0;
  if (isReference) reference.push(...texts.map(() => []));
  const samples = texts.map((): TextSamples => ({ nll: [], kl: [], agree: [] }));
  const jobs = texts.map((ids, i): ForcedJob => {
    const forced = ids.slice(text.promptTokens);
    return {
      promptIds: ids.slice(0, text.promptTokens),
      forced,
      onLogits: (index, logits) => {
        // The first is predicted while the prompt is computed, not from the cache.
        if (index === 0) return;
        const logs = logProbabilities(logits);
        if (isReference) reference[i]?.push(logs);
        const full = reference[i]?.[index - 1];
        const sample = samples[i];
        if (!full || !sample) return;
        sample.nll.push(-(logs[forced[index] ?? 0] ?? 0));
        sample.kl.push(isReference ? 0 : klDivergence(full, logs));
        sample.agree.push(argmax(full) === argmax(logs) ? 1 : 0);
      },
    };
  });
  await runForced(engine, jobs, watch);
  return samples;
}

/** The first steps fill caches and pipelines. */
const SETTLING_STEPS = 3;

/** Time from the end of each decode step to the end of the next. */
export async function measureSpeed(
  engine: QualityEngine,
  prompts: readonly (readonly number[])[],
  { speed }: Pick<QualityTasks, 'speed'>,
  watch: Watch,
): Promise<number[]> {
  for (const promptIds of prompts) {
    engine.submit({ promptIds, maxTokens: speed.tokens, sampling: GREEDY, stopTokens: [] });
  }
  const steps: number[] = [];
  let before: StepReport | null = null;
  const onStep = (report: StepReport): void => {
    const decodes = (one: StepReport | null): boolean =>
      one !== null && one.prefillTokens === 0 && one.decodeSequences === prompts.length;
    if (decodes(report) && decodes(before)) steps.push(report.endMs - (before?.endMs ?? 0));
    before = report;
  };
  await drain(engine, prompts.length * speed.tokens, { ...watch, onStep });
  return steps.slice(SETTLING_STEPS).map((ms) => Math.max(0, ms));
}

/** Texts in the model's own words, for a model whose language nobody gave: sampled at temperature 1. */
export async function sampleTexts(
  engine: QualityEngine,
  first: number,
  { sequences, tokens, seed }: { readonly sequences: number; readonly tokens: number; readonly seed: number },
  watch: Watch,
): Promise<number[][]> {
  for (let i = 0; i < sequences; i++) {
    const sampling = { temperature: 1, topP: 1, topK: 0, seed: (seed + i) >>> 0 };
    engine.submit({ promptIds: [first], maxTokens: tokens - 1, sampling, stopTokens: [] });
  }
  const outputs = await drain(engine, sequences * (tokens - 1), watch);
  return outputs.map((output) => [first, ...output]);
}
