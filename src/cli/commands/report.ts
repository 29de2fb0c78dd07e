/**
 * `kvlab report`: a run, or two beside each other, as a report; with --fail-on an exit status that a CI can stop on.
 *
 * 0: no rule is broken. 1: one is, with the confidence that it asks. 2: a rule can't be read, or the samples can't tell.
 */
import { renderSvg } from '../../charts/index.ts';
import {
  judgeObjectives,
  parseRules,
  reportHtml,
  reportMarkdown,
  runReport,
  sampledRun,
  type Judgement,
  type Rule,
  type Run,
  type RunReport,
} from '../../index.ts';
import type { Invocation } from '../arguments.ts';
import { InputError } from '../errors.ts';
import { readRunFile } from '../run-files.ts';
import type { CommandContext, Outcome } from './command.ts';

type Format = 'md' | 'html';

export function report({ invocation, terminal, write }: CommandContext): Outcome {
  const format = formatOf(invocation);
  const rules = rulesOf(invocation);
  const run = readRunFile(invocation.scenario ?? '');
  const file = invocation.given('baseline');
  const baseline = file === null ? null : readRunFile(file);
  refuseWithoutSamples(run, baseline, rules);
  const made = runReport(run, { baseline, rules });
  if (write !== null) writeReport(made, format, write);
  const { judgement } = made;
  const refused = judgement?.rules.find(({ verdict }) => verdict === 'refused');
  if (judgement?.outcome === 'refused' && refused)
    throw new InputError(`“${refused.rule}”: ${refused.sentence}`);
  terminal.answer(
    invocation.json
      ? `${JSON.stringify(answerOf(run, baseline, made))}\n`
      : textOf(made, format, write !== null),
  );
  return judgement?.outcome === 'no-go' ? 'failed' : 'done';
}

function formatOf(invocation: Invocation): Format | null {
  const asked = invocation.given('format');
  if (asked === null || asked === 'md' || asked === 'html') return asked;
  throw new InputError(`--format is “${asked.slice(0, 20)}”; a report can be md or html.`);
}

function rulesOf({ failOn }: Invocation): readonly Rule[] {
  return failOn.flatMap((text) => {
    const read = parseRules(text);
    if (!read.ok) throw new InputError(`--fail-on: ${read.sentence}`);
    return read.value;
  });
}

function refuseWithoutSamples(run: Run, baseline: Run | null, rules: readonly Rule[]): void {
  if (rules.length === 0) return;
  for (const one of [run, baseline]) {
    if (one !== null && sampledRun(one) === null) {
      throw new InputError(
        `“${one.title}” is of kind ${one.kind} and has no requests to hold against a rule; leave --fail-on out, or name a run of simulate, load, serve-bench or measure.`,
      );
    }
  }
}

/** Both forms where none is named. */
function writeReport(
  made: RunReport,
  format: Format | null,
  write: (name: string, contents: string) => void,
): void {
  if (format !== 'md') write('report.html', reportHtml(made.title, made.parts));
  if (format === 'html') return;
  write('report.md', reportMarkdown(made.parts));
  for (const figure of made.figures) write(`${figure.id}.svg`, renderSvg(figure));
}

function answerOf(run: Run, baseline: Run | null, { title, judgement }: RunReport): object {
  const sampled = sampledRun(run);
  return {
    title,
    run: run.id,
    baseline: baseline?.id ?? null,
    outcome: judgement?.outcome ?? null,
    objectives: sampled === null ? [] : judgeObjectives(sampled),
    rules: judgement?.rules ?? [],
  };
}

function verdicts({ rules }: Judgement): string {
  return rules.map(({ point, sentence }) => `${point === '' ? '' : `${point}: `}${sentence}\n`).join('');
}

/** With a folder the report is there, and what was asked of it is said. */
function textOf({ title, parts, judgement }: RunReport, format: Format | null, written: boolean): string {
  if (written) return judgement === null ? `${title}\n` : verdicts(judgement);
  return format === 'html' ? reportHtml(title, parts) : reportMarkdown(parts);
}
