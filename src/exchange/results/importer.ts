/** What an importer is: it knows the files of one tool, and turns them into our definitions. */
import type { Json, Read } from '../../core/json.ts';
import type { FigureDefinition, MeasuredFigure, MeasuredResult } from '../../core/run/measured.ts';

export interface JsonImporter {
  /** As lists name it. */
  readonly label: string;
  /** Whether a document is this tool's; looks at names only. */
  readonly recognises: (document: Json) => boolean;
  /** The points of a recognised document, or one sentence why there are none. */
  readonly read: (document: Json) => Read<MeasuredResult[]>;
}

/** What a figure of the file was and what it became. */
export function became(
  named: string,
  means: string,
  figure: MeasuredFigure,
  how = 'as it is',
): FigureDefinition {
  return { named, means, became: figure, how };
}

/** A figure that is none of ours. */
export function notRead(named: string, means: string, how: string): FigureDefinition {
  return { named, means, became: null, how };
}

export function refused(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}
