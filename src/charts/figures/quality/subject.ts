/** What every figure of a quality run shares: whose it is, where its numbers come from. */
import type { QualityRun } from '../../../core/run/quality.ts';
import type { FigureSpec } from '../../figure.ts';
import { deviceName } from '../subject.ts';

const TEXTS: Readonly<Record<QualityRun['model']['text'], string>> = {
  'held-out': 'Texts were generated from seeds that the training never saw.',
  given: 'The text was given by the person who ran this.',
  sampled: 'No text was given, so the model wrote it itself, at temperature 1 with the full cache.',
};

const EMULATED =
  'Emulated: rows are rounded before a pool of f32 takes them; the quality is that of the format, the bytes are computed, no speed is measured.';

export function hasEmulated(run: QualityRun): boolean {
  return run.points.some(({ emulated }) => emulated);
}

/** `ledger-485k (2 layers, 4/2 heads of 24) · f32 weights · NVIDIA H200`. */
export function qualitySubtitle({ model, environment }: QualityRun): string {
  const heads = `${model.queryHeads}/${model.kvHeads} heads of ${model.headDim}`;
  return `${model.name} (${model.layers} layers, ${heads}) · ${model.weights} weights · ${deviceName(environment)}`;
}

type Provenance = Pick<FigureSpec, 'subtitle' | 'origin' | 'notes' | 'source'>;

export function qualityProvenance(run: QualityRun, about: { readonly text: boolean }): Provenance {
  return {
    subtitle: qualitySubtitle(run),
    origin: run.origin,
    notes: [
      ...run.notes,
      ...(about.text ? [TEXTS[run.model.text]] : []),
      ...(hasEmulated(run) ? [EMULATED] : []),
      ...(run.complete ? [] : ['The run was cut short; what was finished is shown.']),
    ],
    source: { runId: run.id, command: run.command, createdAt: run.createdAt },
  };
}
