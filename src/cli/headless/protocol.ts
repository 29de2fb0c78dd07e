/** What the command line asks of the headless page, and how it is answered. Plain data, because it crosses processes. */
import type { QualityScenario, Scenario, ServeScenario, TuneRun, TuneScenario } from '../../index.ts';
import type { AttentionShape, GenerationWish, LoadWish, PowerPreference, Progress } from '../../lab/index.ts';

export type HeadlessCall =
  | { readonly name: 'describe'; readonly power: PowerPreference }
  | { readonly name: 'check'; readonly power: PowerPreference }
  | { readonly name: 'run'; readonly scenario: Scenario; readonly force: boolean }
  | { readonly name: 'attention'; readonly shape: AttentionShape }
  /** Of the files that the page's input holds; then one of the tasks below. */
  | {
      readonly name: 'load';
      readonly folder: string;
      readonly load: LoadWish & { readonly power: PowerPreference };
    }
  | { readonly name: 'generate'; readonly wish: GenerationWish }
  | { readonly name: 'quality'; readonly scenario: QualityScenario }
  | { readonly name: 'serve'; readonly scenario: ServeScenario }
  | { readonly name: 'tune'; readonly scenario: TuneScenario; readonly resume: TuneRun | null }
  /** Answers base64. */
  | { readonly name: 'png'; readonly svg: string }
  | { readonly name: 'cancel' };

export type HeadlessAnswer =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly error: { readonly code: string; readonly message: string; readonly data: unknown };
    };

export interface HeadlessPage {
  kvlabHeadless: (call: HeadlessCall) => Promise<HeadlessAnswer>;
  kvlabProgress: (progress: Progress) => void;
}

/** Of the page's input for files: the browser reads them from the disk, piece by piece. */
export const FILES_INPUT = 'kvlab-files';
