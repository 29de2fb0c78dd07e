/**
 * On what each importer was tested: a real file of the tool, the source of its writer, or neither. The page and the command
 * line show the sentence, so that a person knows how far to trust what was read.
 */
import type { MeasuringTool } from '../../core/run/measured.ts';

export interface ToolSource {
  readonly label: string;
  /** `real file`: numbers out of a file that the tool wrote. `source`: what its writer's code emits. `nothing`: neither. */
  readonly tested: 'real file' | 'source' | 'nothing';
  /** Repository, path and commit of what it was tested on. */
  readonly on: readonly string[];
}

export const TOOL_SOURCES: Readonly<Record<MeasuringTool, ToolSource>> = {
  vllm: {
    label: 'vllm bench serve',
    tested: 'real file',
    on: [
      'zhangxinyuehfad/vllm-benchmarks benchmarks/results/serving_llama8B_tp1_sharegpt_qps_4.json @ 9f135ec787ec',
      'vllm-project/vllm vllm/benchmarks/serve.py @ def9ce85ba10',
    ],
  },
  guidellm: {
    label: 'GuideLLM',
    tested: 'real file',
    on: [
      'a report of version 2 by guidellm 0.8',
      'nirjhar17/guidellm-pd-disaggregation reports/constant5-benchmarks.json (version 1, guidellm 0.5) @ 2ff15754673a',
    ],
  },
  sglang: {
    label: 'SGLang bench_serving',
    tested: 'real file',
    on: [
      'datacrunch-research/h200-benchmarks sglang/llama_3_3_70b_output_online.jsonl @ 65b698bc5c21',
      'sgl-project/sglang python/sglang/bench_serving.py @ 50a613687fe1',
    ],
  },
  aiperf: {
    label: 'AIPerf',
    tested: 'real file',
    on: [
      'anud18/qwen36-vllm-aiperf-benchmark results/nvfp4/5090/agent/c16/profile_export_aiperf.json @ d254ffc72ef9',
      'ai-dynamo/aiperf examples/artifacts/run1/profile_export.jsonl @ 7c31f57933ad',
    ],
  },
  'genai-bench': {
    label: 'genai-bench',
    tested: 'real file',
    on: [
      'sgl-project/genai-bench regression_feature_with_flag/D100_100_text-to-text_zai-org_GLM-4.6_num_concurrency_1_time_120s.json @ 89619fa33a6a',
    ],
  },
  llmperf: {
    label: 'llmperf',
    tested: 'real file',
    on: [
      'a summary printed in full in a published write-up (TinyLlama 1.1B, 256 in, 100 out, 5 at once)',
      'ray-project/llmperf token_benchmark_ray.py @ 004d3afb0e4b',
    ],
  },
  'inference-perf': {
    label: 'inference-perf',
    tested: 'real file',
    on: [
      'kubernetes-sigs/inference-perf demos/kubecon-na-2025/vllm/results/stage_1_lifecycle_metrics.json @ 1f71f19824ba',
    ],
  },
  llmservingsim: {
    label: 'LLMServingSim',
    tested: 'real file',
    on: ['casys-kaist/LLMServingSim output/example_cxl_run.csv @ 9e3f0ece7cab'],
  },
  'llm-d': {
    label: 'llm-d benchmark report',
    tested: 'real file',
    on: [
      'llm-d/llm-d guides/wide-ep-lws/README.md (a report of version 0.2) @ a7c817b88d7f',
      'zetxqx/llm-d guides/benchmark/README.md (version 0.1)',
      'reports that KV Lab wrote by the schema of version 0.2.1',
    ],
  },
  kvlab: { label: 'KV Lab', tested: 'real file', on: ['runs that KV Lab wrote'] },
  csv: { label: 'CSV', tested: 'source', on: ['tables of KV Lab; any other’s definitions are assumed'] },
  'engine-log': {
    label: 'the log of an engine’s start',
    tested: 'source',
    on: [
      'vllm-project/vllm vllm/v1/core/kv_cache_utils.py',
      'NVIDIA/TensorRT-LLM kvCacheManager.cpp',
      'sgl-project/sglang model_runner.py',
    ],
  },
};

const LEADS: Readonly<Record<ToolSource['tested'], string>> = {
  'real file': 'Tested on a real file',
  source: 'Tested on what its writer’s source emits, untested on a real file',
  nothing: 'Untested on a real file',
};

/** One sentence for the page, the command line and the run. */
export function testedSentence(tool: MeasuringTool): string {
  const { tested, on } = TOOL_SOURCES[tool];
  return `${LEADS[tested]}${on.length === 0 ? '' : `: ${on.join('; ')}`}.`.slice(0, 400);
}
