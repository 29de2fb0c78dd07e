/**
 * The vocabulary of a llama2.c checkpoint (`tokenizer.bin`, `tok512.bin`) as a tokenizer's files.
 *
 * Layout, from github.com/karpathy/llama2.c `tokenizer.py` and `run.c`: int32 longest token; then for each token f32
 * score, int32 bytes, the bytes. Tokens are SentencePiece's with blanks written as blanks; BOS and EOS, tokens 1 and 2,
 * are exported with line ends around them. The file does not say how many tokens it has: it ends.
 */
import { ModelError } from '../files/error.ts';
import { BLANK, checkCount, controlConfig, sentencePieceDocument, type Vocabulary } from './document.ts';
import type { TokenizerFiles } from './types.ts';

const MAX_BYTES = 64 * 2 ** 20;
const UNKNOWN = 0;
const BOS = 1;
const EOS = 2;
const CONTROL = ['<unk>', '<s>', '</s>'];

/**
 * @param bytes the whole file
 * @param vocab tokens that the model's checkpoint has; null where it is not known
 * @throws ModelError `corrupt`, `too-large`
 */
export function llama2cTokenizer(bytes: Uint8Array, vocab: number | null = null): TokenizerFiles {
  const { pieces, scores } = readPieces(bytes);
  if (vocab !== null && pieces.length !== vocab) {
    throw new ModelError(
      'corrupt',
      `The vocabulary has ${pieces.length} tokens and the checkpoint ${vocab}; take the vocabulary it was trained with.`,
      { has: pieces.length, needed: vocab },
    );
  }
  const vocabulary: Vocabulary = {
    tokens: pieces.map((piece, id) => CONTROL[id] ?? piece.replaceAll(' ', BLANK)),
    control: { bos: BOS, eos: EOS, unknown: UNKNOWN, addBos: true, addEos: false },
    special: [UNKNOWN, BOS, EOS],
    whole: [],
  };
  return {
    tokenizerJson: sentencePieceDocument(vocabulary, scores, true),
    tokenizerConfig: controlConfig(vocabulary.tokens, vocabulary.control, null),
  };
}

function readPieces(bytes: Uint8Array): { pieces: string[]; scores: number[] } {
  if (bytes.byteLength > MAX_BYTES) {
    throw new ModelError(
      'too-large',
      `The vocabulary has ${bytes.byteLength} bytes; the most is ${MAX_BYTES}.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder('utf-8', { fatal: true });
  const pieces: string[] = [];
  const scores: number[] = [];
  let at = 4;
  while (at < bytes.byteLength) {
    const length = at + 8 <= bytes.byteLength ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || at + 8 + length > bytes.byteLength) throw damaged(pieces.length, at);
    scores.push(view.getFloat32(at, true));
    try {
      pieces.push(text.decode(bytes.subarray(at + 8, at + 8 + length)));
    } catch {
      throw damaged(pieces.length, at);
    }
    at += 8 + length;
  }
  checkCount(pieces.length);
  if (pieces.length < CONTROL.length) throw damaged(pieces.length, at);
  return { pieces, scores };
}

function damaged(token: number, at: number): ModelError {
  return new ModelError(
    'corrupt',
    `The vocabulary is damaged at byte ${at}, in token ${token}: it is cut off or no llama2.c vocabulary.`,
    { token, at },
  );
}
