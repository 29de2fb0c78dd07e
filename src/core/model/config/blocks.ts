/** Models whose layers are written down one by one, mixer and perceptron together: Nemotron-H and Nemotron-NAS. */
import { isJsonObject, type Json } from '../../json.ts';
import type { LayerKind, Mixer, Perceptron } from '../architecture.ts';
import { ConfigRefusal, Fields } from './fields.ts';
import type { Shape } from './layer-words.ts';
import { headDim, headsOf, mamba } from './mixers.ts';
import { denseMlp, expertsMlp } from './perceptrons.ts';

export type Layer = Omit<LayerKind, 'layers'>;

const LETTERS: Readonly<Record<string, string>> = { mamba: 'M', attention: '*', mlp: '-', moe: 'E' };

/** Layers that are a mixer or a perceptron and never both: letters, or words. Null where the file has neither. */
export function alternating(fields: Fields, shape: Shape): readonly Layer[] | null {
  const pattern = fields.text('hybrid_override_pattern');
  const words: readonly Json[] | null =
    pattern === null ? fields.list('layers_block_type', null) : [...pattern];
  if (words === null) return null;
  const nothing = { kind: 'none' } as const;
  const makers: Readonly<Record<string, () => Layer>> = {
    M: () => ({ mixer: mamba(fields), mlp: nothing }),
    '*': () => ({ mixer: { kind: 'full', ...headsOf(fields, shape) }, mlp: nothing }),
    '-': () => ({ mixer: nothing, mlp: denseMlp(fields, shape) }),
    E: () => ({ mixer: nothing, mlp: expertsMlp(fields, shape) }),
  };
  return words.map((word) => {
    const letter = typeof word === 'string' ? (LETTERS[word] ?? word) : '';
    const make = makers[letter];
    if (!make) {
      const known = Object.keys(LETTERS).join(', ');
      throw new ConfigRefusal(
        `a layer is ${JSON.stringify(word).slice(0, 40)}, which is not known here (known: ${known})`,
      );
    }
    return make();
  });
}

/** Widths are multiples of this. */
const WIDTH_STEP = 256;

function searchedLayer(block: Json, hidden: number, queryHeads: number, keyDim: number): Layer {
  const fields = new Fields(isJsonObject(block) ? block : {}, 'block_configs');
  for (const part of ['attention', 'ffn']) {
    if (fields.flag(`${part}.replace_with_linear`) === true)
      throw new ConfigRefusal(`block_configs.${part}.replace_with_linear is not known here`);
  }
  const off = (part: string): boolean => fields.flag(`${part}.no_op`) === true;
  const kvHeads = (): number => queryHeads / fields.count('attention.n_heads_in_group');
  const mixer: Mixer = off('attention')
    ? { kind: 'none' }
    : { kind: 'full', queryHeads, kvHeads: kvHeads(), keyDim, valueDim: keyDim };
  if (off('ffn')) return { mixer, mlp: { kind: 'none' } };
  const times = fields.ratio('ffn.ffn_mult');
  if (times === null) throw new ConfigRefusal(fields.missing(['ffn.ffn_mult']));
  const width = Math.floor((2 * times * hidden) / 3);
  const mlp: Perceptron = { kind: 'gated', intermediate: Math.ceil(width / WIDTH_STEP) * WIDTH_STEP };
  return { mixer, mlp };
}

/** Blocks that a search chose one by one; null where the file has none. */
export function searched(fields: Fields, { layers, hidden }: Shape): readonly Layer[] | null {
  const blocks = fields.list('block_configs', layers);
  if (blocks === null) return null;
  const queryHeads = fields.count('num_attention_heads');
  const keyDim = headDim(fields, hidden, queryHeads);
  return blocks.map((block) => searchedLayer(block, hidden, queryHeads, keyDim));
}
