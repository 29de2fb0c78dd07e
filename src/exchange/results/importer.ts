/** What an importer is: it knows the files of one tool, and turns them into our definitions. */
import type { Json, Read } from '../../core/json.ts';
import type { MeasuredResult } from '../../core/run/measured.ts';

export interface JsonImporter {
  /** As lists name it. */
  readonly label: string;
  /** Whether a document is this tool's; looks at names only. */
  readonly recognises: (document: Json) => boolean;
  /** The points of a recognised document, or one sentence why there are none. */
  readonly read: (document: Json) => Read<MeasuredResult[]>;
}

export function refused(sentence: string): { readonly ok: false; readonly sentence: string } {
  return { ok: false, sentence };
}
