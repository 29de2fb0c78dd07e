/**
 * Which model lies in files that a person dropped or chose: told by names, and by the first bytes where names say nothing.
 *
 * Boundary: which files belong together, and what is missing, in words. Whether they are whole their readers find out.
 */
import { blobSource, type ByteSource } from './byte-source.ts';
import { ModelError } from './error.ts';

/** A file with its path inside the folder that was given. */
export interface NamedFile {
  readonly path: string;
  readonly blob: Blob;
}

/** A folder with the names of its files. */
export interface FileFolder {
  readonly name: string;
  readonly names: readonly string[];
  file(name: string): Promise<ByteSource | null>;
}

export type DetectedModel =
  /** config.json with safetensors, as Hugging Face lays them out. */
  | { readonly kind: 'safetensors'; readonly name: string; readonly folder: FileFolder }
  | { readonly kind: 'gguf'; readonly name: string; readonly file: ByteSource; readonly folder: FileFolder }
  /** A checkpoint of llama2.c; `vocabulary` is its tokenizer where one lies beside it. */
  | {
      readonly kind: 'llama2c';
      readonly name: string;
      readonly file: ByteSource;
      readonly vocabulary: ByteSource | null;
      readonly folder: FileFolder;
    };

const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** `model-00001-of-00003.safetensors`, `name-00001-of-00003.gguf` */
const SHARD = /-\d{5}-of-(\d{5})\.(?:safetensors|gguf)$/;

/** @throws ModelError `missing` or `unsupported`, in words that say what to give instead */
export async function detectModelFiles(files: readonly NamedFile[]): Promise<DetectedModel> {
  if (files.length === 0) throw missing('No file was given');
  const folders = foldersOf(files);
  const ggufs = files.filter(({ path }) => path.toLowerCase().endsWith('.gguf'));
  if (ggufs.length > 0) return gguf(ggufs, folders);
  const configured = folders.find(({ names }) => names.includes(CONFIG) && names.some(isSafetensors));
  if (configured) return safetensors(configured);
  refuseIncomplete(folders);
  const checkpoint = await llama2c(files, folders);
  if (checkpoint) return checkpoint;
  const names = files.slice(0, 3).map(({ path }) => baseName(path).slice(0, 60));
  const more = files.length > 3 ? ` and ${files.length - 3} more` : '';
  throw missing(`There is no model in ${names.join(', ')}${more}`);
}

function missing(what: string): ModelError {
  return new ModelError(
    'missing',
    `${what}; give a folder with config.json and safetensors, one .gguf file, or one llama2.c .bin.`,
  );
}

function isSafetensors(name: string): boolean {
  return name.endsWith('.safetensors');
}

/** Folders, the outermost first. */
function foldersOf(files: readonly NamedFile[]): FileFolder[] {
  const byPath = new Map<string, Map<string, Blob>>();
  for (const { path, blob } of files) {
    const name = baseName(path);
    const folder = path.slice(0, path.length - name.length);
    const entries = byPath.get(folder) ?? new Map<string, Blob>();
    byPath.set(folder, entries.set(name, blob));
  }
  return [...byPath]
    .sort(([a], [b]) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1))
    .map(([path, entries]) => folderOf(path, entries));
}

function folderOf(path: string, entries: ReadonlyMap<string, Blob>): FileFolder {
  const names = [...entries.keys()];
  const weights = names.filter(isSafetensors);
  return {
    name:
      path
        .split('/')
        .filter((part) => part !== '')
        .at(-1) ?? 'model',
    names,
    file: async (name) => {
      // One safetensors file is the weights, whatever it is called.
      const only = name === WEIGHTS && weights.length === 1 ? weights[0] : undefined;
      const blob = entries.get(name) ?? (only === undefined ? undefined : entries.get(only));
      return blob ? blobSource(only ?? name, blob) : null;
    },
  };
}

function safetensors(folder: FileFolder): DetectedModel {
  const weights = folder.names.filter(isSafetensors);
  if (folder.names.includes(INDEX) || folder.names.includes(WEIGHTS)) {
    return { kind: 'safetensors', name: folder.name, folder };
  }
  if (weights.length === 1 && !SHARD.test(weights[0] ?? '')) {
    return { kind: 'safetensors', name: folder.name, folder };
  }
  throw new ModelError(
    'missing',
    `${folder.name} has ${weights.length} safetensors files and no ${INDEX}, which says what is in which; give it too.`,
    { file: INDEX },
  );
}

function gguf(files: readonly NamedFile[], folders: readonly FileFolder[]): DetectedModel {
  const [file] = files;
  if (!file || files.length > 1) {
    throw new ModelError('unsupported', `${files.length} GGUF files were given; give the one to load.`);
  }
  const name = baseName(file.path);
  const shards = SHARD.exec(name)?.[1];
  if (shards !== undefined && Number(shards) > 1) {
    throw new ModelError(
      'unsupported',
      `${name} is one of ${Number(shards)} parts; split GGUF files are not read: join them with llama-gguf-split --merge.`,
    );
  }
  const source = blobSource(name, file.blob);
  return {
    kind: 'gguf',
    name: name.replace(/\.gguf$/i, ''),
    file: source,
    folder: folderWith(folders, file),
  };
}

/** Half of a model: says which half is missing. */
function refuseIncomplete(folders: readonly FileFolder[]): void {
  for (const { name, names } of folders) {
    const weights = names.find(isSafetensors);
    if (weights !== undefined) {
      throw new ModelError('missing', `${name} has ${weights} but no ${CONFIG} beside it; give both.`, {
        file: CONFIG,
      });
    }
    if (!names.includes(CONFIG)) continue;
    const other = names.find((one) => /^(pytorch_model.*|.*\.(pt|pth|ckpt|h5|msgpack|onnx))/.test(one));
    if (other !== undefined) {
      throw new ModelError(
        'unsupported',
        `${name} has its weights as ${other}, which is not read here; take them as safetensors or GGUF.`,
        { file: other },
      );
    }
    if (names.some((one) => one.endsWith('.bin'))) continue;
    throw new ModelError(
      'missing',
      `${name} has ${CONFIG} but no weights; give ${WEIGHTS} too, or ${INDEX} and its parts.`,
      { file: WEIGHTS },
    );
  }
}

/** First bytes of files that end in .bin and are something else: a zip (PyTorch), a pickle. */
const OTHER_MAGICS: readonly (readonly number[])[] = [
  [0x50, 0x4b],
  [0x80, 0x02],
];

/** The largest .bin is the checkpoint, and one that holds texts its vocabulary. */
async function llama2c(
  files: readonly NamedFile[],
  folders: readonly FileFolder[],
): Promise<DetectedModel | null> {
  const bins = files.filter(({ path }) => path.endsWith('.bin')).sort((a, b) => b.blob.size - a.blob.size);
  const [checkpoint, vocabulary] = bins;
  if (!checkpoint) return null;
  const name = baseName(checkpoint.path);
  const source = blobSource(name, checkpoint.blob);
  const head = await source.read(0, Math.min(2, checkpoint.blob.size));
  if (OTHER_MAGICS.some((magic) => magic.every((byte, i) => head[i] === byte))) {
    throw new ModelError(
      'unsupported',
      `${name} is a PyTorch file, which is not read here; take safetensors or GGUF.`,
    );
  }
  return {
    kind: 'llama2c',
    name: name.replace(/\.bin$/, ''),
    file: source,
    vocabulary: vocabulary ? blobSource(baseName(vocabulary.path), vocabulary.blob) : null,
    folder: folderWith(folders, checkpoint),
  };
}

function folderWith(folders: readonly FileFolder[], { path }: NamedFile): FileFolder {
  const name = baseName(path);
  const parts = path.split('/').slice(0, -1);
  const found = folders.find(
    (folder) => folder.names.includes(name) && (parts.at(-1) ?? 'model') === folder.name,
  );
  return found ?? folderOf('', new Map());
}

function baseName(path: string): string {
  return path.split('/').at(-1) ?? path;
}
