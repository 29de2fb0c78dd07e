/** The models of the engine's bench as files on this machine, for Node; the browser's page gets the same as base64. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SHIPPED_MODEL } from '../../src/engine/shipped.ts';
import { referenceBytes, whyNoReferenceData } from '../../tests/reference-data.ts';
import type { BenchModel } from './cases.ts';

export interface BenchModels {
  readonly models: readonly BenchModel[];
  readonly skipped: readonly string[];
}

const REFERENCE = 'tinystories-656k';
const FILES = ['config.json', 'generation_config.json', 'model.safetensors'] as const;

/** @param root of the repository */
export async function benchModels(root: string): Promise<BenchModels> {
  const models: BenchModel[] = [];
  const skipped: string[] = [];
  const missing = whyNoReferenceData(`weights/${REFERENCE}/model.safetensors`);
  if (missing === null) {
    const read = async (file: string) =>
      [file, new Uint8Array(await referenceBytes(`weights/${REFERENCE}/${file}`))] as const;
    models.push({ name: REFERENCE, files: Object.fromEntries(await Promise.all(FILES.map(read))) });
  } else skipped.push(`${REFERENCE}: skipped, ${missing}.`);
  const folder = join(root, 'public', SHIPPED_MODEL.folder);
  if (existsSync(folder)) {
    const names = readdirSync(folder).filter((name) => /\.(json|safetensors)$/.test(name));
    const files = names.map((name) => [name, new Uint8Array(readFileSync(join(folder, name)))] as const);
    models.push({ name: SHIPPED_MODEL.id, files: Object.fromEntries(files) });
  } else skipped.push(`${SHIPPED_MODEL.id}: skipped, it is not in public/models.`);
  return { models, skipped };
}
