import { hubModel } from '../../../../src/engine/hub/hub.ts';
import { openModelStore } from '../../../../src/engine/hub/store.ts';
import { createTokenizer } from '../../../../src/engine/tokenizer/tokenizer.ts';
import type { GenerationBackend } from '../../../../src/lab/serving/backend.ts';
import { createTransformersBackend } from '../../../../src/lab/serving/transformers-backend.ts';
import type { Answer, Question } from './protocol.ts';

onmessage = ({ data }: MessageEvent<Question>) => {
  void answer(data)
    .catch((error: unknown): Answer => ({
      ok: false,
      sentence: error instanceof Error ? error.message : String(error),
    }))
    .then((message) => postMessage(message));
};

async function answer({
  hub,
  repo,
  device,
  promptText,
  maxTokens,
  cancelAfterTokens,
}: Question): Promise<Answer> {
  const folder = await hubModel(repo, { hub });
  const files = await folder.tokenizerFiles();
  if (files === null) throw new Error('no tokenizer');
  const tokenizer = await createTokenizer(files);
  const backend = createTransformersBackend({ folder, device });
  const progress: number[] = [];
  await backend.load(({ loadedBytes }) => progress.push(loadedBytes));
  const promptIds = tokenizer.encode(promptText);
  const told: number[] = [];
  const timing = await backend.generate(promptIds, maxTokens, (token) => told.push(token));
  const { name, kvBytes } = backend;
  const sentences =
    cancelAfterTokens === undefined ? [] : await furtherCalls(backend, promptIds, cancelAfterTokens);
  await backend.dispose();
  const kept = (await (await openModelStore())?.list()) ?? [];
  return {
    ok: true,
    name,
    promptIds,
    timing,
    told,
    text: tokenizer.decode(timing.tokens),
    kvBytes,
    progress,
    kept: kept.map(({ id, bytes }) => ({ id, bytes })),
    offline: folder.offline,
    sentences,
  };
}

/** Calls that end with a sentence: cancelled after so many tokens, a second one meanwhile, and three that ask too much. */
async function furtherCalls(
  backend: GenerationBackend,
  promptIds: readonly number[],
  after: number,
): Promise<string[]> {
  const controller = new AbortController();
  let count = 0;
  const { signal } = controller;
  const onToken = (): void => {
    count += 1;
    if (count === after) controller.abort();
  };
  const cancelled = sentenceOf(backend.generate(promptIds, 200, onToken, { signal, ignoreEnd: true }));
  const meanwhile = await sentenceOf(backend.generate(promptIds, 1));
  return [
    `${await cancelled} ${count}`,
    meanwhile,
    await sentenceOf(backend.generate(promptIds, 5000)),
    await sentenceOf(backend.generate(promptIds, 0)),
    await sentenceOf(backend.generate([2048], 1)),
  ];
}

function sentenceOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'went through',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
