/** What was dropped on the page or chosen in a dialog, folders opened, each file with its path within them. */
import type { NamedFile } from '../../workers/sim-api.ts';

/** A folder that is dropped by mistake is not read without end. */
const MOST_FILES = 200;

export function chosenFiles(list: FileList | null): NamedFile[] {
  return [...(list ?? [])]
    .slice(0, MOST_FILES)
    .map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

export async function droppedFiles(event: DragEvent): Promise<NamedFile[]> {
  const { items, files } = event.dataTransfer ?? {};
  // The list of items is gone after the first wait, so every entry is taken now.
  const entries = [...(items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return chosenFiles(files ?? null);
  const found: NamedFile[] = [];
  for (const entry of entries) await collect(entry, '', found);
  return found;
}

async function collect(entry: FileSystemEntry, folder: string, found: NamedFile[]): Promise<void> {
  if (found.length >= MOST_FILES) return;
  const path = `${folder}${entry.name}`;
  if (entry instanceof FileSystemFileEntry) {
    found.push({ path, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) });
  } else if (entry instanceof FileSystemDirectoryEntry) {
    const reader = entry.createReader();
    const next = () =>
      new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    // A reader gives a hundred at a time and an empty list at the end.
    for (let part = await next(); part.length > 0; part = await next()) {
      for (const child of part) await collect(child, `${path}/`, found);
    }
  }
}
