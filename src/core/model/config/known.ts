/**
 * The `model_type`s whose layers are read here as their classes compute them.
 *
 * Fields that look like Llama's say nothing of what a class does with them: whether a window is used, whether experts are
 * chosen, whether layers share keys and values. So a type that is not listed is refused by name, unless whoever asks
 * says that it is Llama-shaped.
 *
 * Source: the classes of huggingface/transformers and of vLLM under these names; families.ts says where they differ.
 */
const FAMILIES: readonly string[] = [
  // Llama's shape, under the names of those who trained it.
  'llama llama4 llama4_text mistral mistral3 mistral4 ministral ministral3 mixtral pixtral voxtral arcee aquila baichuan',
  'internlm internlm2 internlm3 yi orion solar xverse seed_oss smollm3 stablelm stablelm_epoch helium persimmon',
  'apertus minicpm minicpm3 minicpmv minicpmo exaone exaone4 granite granitemoe granitemoehybrid granitemoeshared',
  'olmo olmo2 olmo3 olmoe flex_olmo nemotron nemotron_nas nemotron_h bamba zamba2 decilm telechat teleflm plamo2',
  // Qwen, Gemma, Phi, GPT and those after them.
  'qwen qwen2 qwen2_moe qwen2_vl qwen2_vl_text qwen2_5_vl qwen2_5_vl_text qwen2_5_omni qwen3 qwen3_moe qwen3_next',
  'qwen3_vl qwen3_vl_text qwen3_vl_moe qwen3_vl_moe_text qwen3_omni_moe qwen3_5 qwen3_5_text qwen3_5_moe',
  'qwen3_5_moe_text gemma gemma2 gemma3 gemma3_text gemma4 gemma4_text paligemma phi phi_msft phi3 phi3_v phi3small',
  'phi4mm phi4_multimodal phimoe gpt2 gpt_bigcode gpt_neo gpt_neox gptj gpt_oss codegen opt bloom mpt falcon refinedweb',
  'refinedwebmodel starcoder2 dbrx cohere cohere2 cohere2_vision aya_vision command_r',
  // Mixtures, latent attention, linear attention.
  'deepseek deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 deepseek_vl deepseek_vl_v2 kimi kimi_k2 kimi_k25 kimi_k3',
  'kimi_linear kimi_vl glm glm4 glm4v glm4_moe glm4v_moe glm4_moe_lite glm_moe_dsa chatglm minimax minimax_m1 minimax_m2',
  'minimax_m3 mimo mimo_v2_flash step3 step3p5 step3p7 step3_text ernie4_5 ernie4_5_moe ernie4_5_vl ernie4_5_vl_moe',
  'hunyuan hunyuan_v1_dense hunyuan_v1_moe bailing_moe bailing_moe_v2 bailing_moe_linear dots1 longcat longcat_flash',
  'grok grok_1 jamba lfm2 lfm2_moe',
  // Images beside one of them.
  'llava llava_next llava_onevision llava_llama llava_qwen2 llava_mistral vip_llava video_llava internvl internvl_chat',
  'idefics3 smolvlm molmo mllama ovis ovis2 nvlm_d llama_nemotron_vl',
];

const KNOWN: ReadonlySet<string> = new Set(FAMILIES.flatMap((line) => line.split(' ')));

/** What an unlisted type can be read as where a person says so. */
export const READ_AS = ['llama'] as const;
export type ReadAs = (typeof READ_AS)[number];

/** Whether layers of this type are read here; a file that names no type is read by its fields. */
export function isKnownType(type: string): boolean {
  return type === '' || KNOWN.has(type.toLowerCase().replaceAll(/[-.]/g, '_'));
}

/** What is missing of a type that is not listed. */
export function unknownTypeSentence(type: string): string {
  return (
    `model_type is “${type.slice(0, 40)}”, an architecture that is not known here, and its fields do not say what its ` +
    'attention and perceptrons compute; what is missing is a class under that name, or a model_type that is known'
  );
}
