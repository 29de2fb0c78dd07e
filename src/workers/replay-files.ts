/** Which of the dropped files are what of a recorded run and of a measured profile, by their names. */
import type { RecordedTexts } from '../sim/replay/index.ts';
import type { NamedFile } from './sim-api.ts';

/** Files that cannot be a recording, in one sentence. */
export class RecordingFilesError extends Error {
  readonly code = 'recording-files';
  constructor(sentence: string) {
    super(sentence);
    this.name = 'RecordingFilesError';
  }
}

const PROFILE = /(?:^|\/)((?:tp\d+\/)?(?:meta\.ya?ml|[\w-]+\.csv))$/i;

function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}

/** Files of a measured profile under the names that its reader knows: `meta.yaml`, `tp2/dense.csv`. */
export function profileFiles(files: readonly NamedFile[]): Map<string, File> {
  const found = new Map<string, File>();
  for (const { path, file } of files) {
    const name = PROFILE.exec(path)?.[1];
    if (name !== undefined && baseName(path) !== 'timeseries.csv') found.set(name, file);
  }
  return found;
}

async function texts(files: ReadonlyMap<string, File>): Promise<Record<string, string>> {
  const read = await Promise.all([...files].map(async ([name, file]) => [name, await file.text()] as const));
  return Object.fromEntries(read);
}

export async function profileTexts(files: readonly NamedFile[]): Promise<Record<string, string>> {
  return texts(profileFiles(files));
}

/** @throws RecordingFilesError where a file is missing or there twice */
export async function recordedTexts(files: readonly NamedFile[]): Promise<RecordedTexts> {
  const named = (name: string): File | undefined =>
    one(
      name,
      files.filter(({ path }) => baseName(path) === name),
    );
  const needed = (name: string): File => {
    const file = named(name);
    if (file === undefined) {
      throw new RecordingFilesError(
        `${name} is missing; drop the recorded run’s folder and its workload together.`,
      );
    }
    return file;
  };
  const [meta, requests] = [needed('meta.json'), needed('requests.jsonl')];
  const workloads = files.filter(
    ({ path }) => path.endsWith('.jsonl') && baseName(path) !== 'requests.jsonl',
  );
  const workload = one('the workload (another .jsonl)', workloads);
  if (workload === undefined) {
    throw new RecordingFilesError(
      'The workload is missing: a .jsonl file with a timestamp, lengths and block ids for each request.',
    );
  }
  const [timeseries, config] = [named('timeseries.csv'), named('config.json')];
  const profile = await profileTexts(files);
  return {
    workload: await workload.text(),
    requests: await requests.text(),
    meta: await meta.text(),
    timeseries: await timeseries?.text(),
    config: await config?.text(),
    ...(Object.keys(profile).some((name) => /meta\.ya?ml$/.test(name)) ? { profile } : {}),
  };
}

function one(what: string, found: readonly NamedFile[]): File | undefined {
  if (found.length > 1) {
    throw new RecordingFilesError(`${found.length} files are ${what}; drop one recording at a time.`);
  }
  return found[0]?.file;
}
