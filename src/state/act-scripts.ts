/** Scripts of acts that come with the page, each with the scenario whose cache it is written for. */
export interface ActScriptFile {
  readonly name: string;
  /** Its first line: what it shows. */
  readonly about: string;
  /** Preset of the autopilot; null where the file names none. */
  readonly story: string | null;
  readonly text: string;
}

/** @param texts by file path, as a build gathers them */
export function actScripts(texts: Readonly<Record<string, string>>): readonly ActScriptFile[] {
  return Object.entries(texts)
    .map(([path, text]) => ({
      name: (path.split('/').at(-1) ?? path).replace(/\.yaml$/, ''),
      about: /^#\s*(.+)$/m.exec(text)?.[1] ?? '',
      story: /\bact (\S+) --script\b/.exec(text)?.[1] ?? null,
      text,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
