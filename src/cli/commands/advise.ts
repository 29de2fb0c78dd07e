/** `kvlab advise`: what to change after a run, with the evidence, what a trial in the simulator brought, and what it risks. */
import { AdviseError, advice, type Advice, type Recommendation } from '../../advise/index.ts';
import { InputError } from '../errors.ts';
import { readRunFile } from '../run-files.ts';
import type { CommandContext, Outcome } from './command.ts';

export async function advise({ invocation, terminal, write, onCancel }: CommandContext): Promise<Outcome> {
  const run = readRunFile(invocation.scenario ?? '');
  const stop = new AbortController();
  onCancel(() => stop.abort());
  try {
    const given = await advice(run, {
      signal: stop.signal,
      onProgress: terminal.progress,
      // A turn of the event loop, so that a Ctrl-C is heard.
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const json = `${JSON.stringify(given)}\n`;
    write?.('advice.json', json);
    for (const [at, { trial }] of given.recommendations.entries()) {
      if (trial === null) continue;
      write?.(`advice-${at + 1}-a.json`, `${JSON.stringify(trial.a, null, 2)}\n`);
      write?.(`advice-${at + 1}-b.json`, `${JSON.stringify(trial.b, null, 2)}\n`);
    }
    terminal.answer(invocation.json ? json : textOf(given, invocation.verbose));
    return stop.signal.aborted ? 'failed' : 'done';
  } catch (error) {
    if (error instanceof AdviseError) throw new InputError(error.message);
    throw error;
  } finally {
    onCancel(null);
  }
}

function recommendationText(
  { title, why, evidence, effects, risk, assignments, changes }: Recommendation,
  at: number,
): string {
  const set = assignments.map((assignment) => `--set '${assignment.replaceAll("'", "'\\''")}'`);
  const flags = changes.flatMap(({ flag }) => flag ?? []);
  return [
    `${at + 1}. ${title} ${why}`,
    ...evidence.map(({ sentence, origin }) => `   Evidence (${origin}): ${sentence}`),
    ...effects.map(({ sentence, origin }) => `   Effect (${origin}): ${sentence}`),
    `   Risk: ${risk.sentence}`,
    ...(set.length === 0 ? [] : [`   Try it: ${set.join(' ')}`]),
    ...(flags.length === 0 ? [] : [`   On the server: ${flags.join(' ')}`]),
    '',
  ].join('\n');
}

function textOf({ recommendations, considered, notes }: Advice, verbose: boolean): string {
  const lead = recommendations.length === 0 ? ['Nothing to change was found.\n'] : [];
  const rest = verbose
    ? considered.map(({ id, outcome, sentence }) => `${id}: ${outcome}. ${sentence}\n`)
    : [];
  return [
    ...lead,
    ...recommendations.map(recommendationText),
    ...rest,
    ...notes.map((note) => `${note}\n`),
  ].join('');
}
