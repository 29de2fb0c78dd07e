/**
 * The one place that knows where reference data lies: the folder that KVLAB_DATA names.
 *
 * Tests that need it ask here and are skipped in words where it is missing; no other file names it. Kernel tests run in a
 * browser as well, where files come from the test server, and so only as promises.
 */
const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;
const files = inNode ? await import('node:fs') : null;

const folder = (inNode ? process.env['KVLAB_DATA'] : String(import.meta.env['KVLAB_DATA'] ?? '')) ?? '';

/** Why a test with reference data can't run, or null when it can. For `describe.skipIf` with the reason in its title. */
export function whyNoReferenceData(file: string): string | null {
  if (folder === '') return 'KVLAB_DATA is not set';
  return !files || files.existsSync(`${folder}/${file}`) ? null : `KVLAB_DATA has no ${file}`;
}

/** Where a reference file lies, for a command that reads files itself; in Node only. @throws Error where it is missing. */
export function referencePath(file: string): string {
  const reason = whyNoReferenceData(file);
  if (reason !== null) throw new Error(`No reference data: ${reason}.`);
  return `${folder}/${file}`;
}

/** Text of a reference file. @throws Error in words where it is missing. */
export function referenceText(file: string): string {
  const reason = files ? whyNoReferenceData(file) : 'this is a browser; ask for its bytes';
  if (reason !== null) throw new Error(`No reference data: ${reason}.`);
  return files?.readFileSync(`${folder}/${file}`, 'utf8') ?? '';
}

/** Names of the files in a folder of reference data; in Node only. */
export function readdirReference(path: string): readonly string[] {
  return files?.readdirSync(`${folder}/${path}`) ?? [];
}

/** Bytes of a reference file, in Node and in the browser alike. @throws Error in words where it is missing. */
export async function referenceBytes(file: string): Promise<Uint8Array<ArrayBuffer>> {
  const reason = whyNoReferenceData(file);
  if (reason !== null) throw new Error(`No reference data: ${reason}.`);
  if (files) return new Uint8Array(files.readFileSync(`${folder}/${file}`));
  const answer = await fetch(`/@fs/${folder.replace(/^\//, '')}/${file}`);
  if (!answer.ok) throw new Error(`No reference data: the test server answers ${answer.status} for ${file}.`);
  return new Uint8Array(await answer.arrayBuffer());
}
