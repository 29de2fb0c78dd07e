/**
 * Numbers out of real files in public repositories, in the shape in which their tools wrote them, cut to the fields that are
 * read. Repository, path and commit stand with each.
 */

/** kubernetes-sigs/inference-perf demos/kubecon-na-2025/vllm/results/stage_1_lifecycle_metrics.json @ 1f71f19824ba */
export const INFERENCE_PERF = {
  load_summary: { count: 360, send_duration: 59.969828966015484, requested_rate: 6.0, achieved_rate: 6.003 },
  successes: {
    count: 360,
    latency: {
      request_latency: {
        mean: 3.480998302400985,
        min: 0.19445341697428375,
        p10: 0.3234321110183373,
        median: 1.7224479744909331,
        p90: 8.809139036561831,
        max: 17.024209171999246,
      },
      normalized_time_per_output_token: { mean: 0.021859208514326635, median: 0.019918538765237366 },
      time_per_output_token: {
        mean: 0.009172188907880555,
        median: 0.009195015911600416,
        p90: 0.010185217370755674,
      },
      time_to_first_token: {
        mean: 0.06686591952537936,
        median: 0.06059830402955413,
        p90: 0.09404300908790901,
      },
      inter_token_latency: {
        mean: 0.009301736385411543,
        median: 0.00010735500836744905,
        p90: 0.018193977314513176,
      },
    },
    throughput: {
      input_tokens_per_sec: 1441.2992514218893,
      output_tokens_per_sec: 933.4760937046922,
      requests_per_sec: 5.163428141506833,
    },
    prompt_len: { mean: 279.1361111111111 },
    output_len: { mean: 180.7861111111111 },
  },
  failures: { count: 0, request_latency: null, prompt_len: null },
};

/** casys-kaist/LLMServingSim output/example_cxl_run.csv @ 9e3f0ece7cab: the first two of its rows. */
export const LLMSERVINGSIM = [
  'instance id,request id,model,input,output,arrival,end_time,latency,queuing_delay,TTFT,TPOT,ITL',
  '0,7,meta-llama/Llama-3.1-8B,2,11,811936856,1862494074,1050557218,29258276,142733075,113478017,"[113475712, 113478457, 113478329, 113478329, 113478329, 113478329, 113478329, 113478329]"',
  '0,3,meta-llama/Llama-3.1-8B,4,16,570907776,1975969242,1405061466,43337526,156813129,113477121,"[113474227, 113474799, 113475712, 113478457, 113478329, 113478329, 113478329, 113478329, 113478329, 113478329, 113475168]"',
  '',
].join('\n');

const metadata = (timestamp_ns: number) => ({ turn_index: 0, timestamp_ns, credit_phase: 'profiling' });
const ms = (value: number | readonly number[]) => ({ value, unit: 'ms' });
const tokens = (value: number) => ({ value, unit: 'tokens' });
const ns = (value: number) => ({ value, unit: 'ns' });

/** ai-dynamo/aiperf examples/artifacts/run1/profile_export.jsonl @ 7c31f57933ad: an error and two requests, their gaps cut. */
export const AIPERF_RECORDS = [
  {
    metadata: metadata(1759522419154829652),
    metrics: { error_request_count: { value: 1, unit: 'requests' } },
    error: {
      code: 499,
      type: 'RequestCancellationError',
      message: 'Request was cancelled after 0.000 seconds',
    },
  },
  {
    metadata: metadata(1759522419159192408),
    metrics: {
      input_sequence_length: tokens(550),
      ttft: ms(1680.543782),
      request_latency: ms(7936.968269),
      min_request_timestamp: ns(1759522419159192408),
      inter_chunk_latency: ms([134.440792, 141.307763, 141.18373]),
      output_sequence_length: tokens(193),
      max_response_timestamp: ns(1759522427096160677),
      inter_token_latency: ms(32.585544203124996),
    },
    error: null,
  },
  {
    metadata: metadata(1759522419158355424),
    metrics: {
      input_sequence_length: tokens(550),
      ttft: ms(3340.543979),
      request_latency: ms(8214.202336),
      min_request_timestamp: ns(1759522419158355424),
      inter_chunk_latency: ms([139.01211999999998, 137.504221, 138.46932999999999]),
      output_sequence_length: tokens(193),
      max_response_timestamp: ns(1759522427372557760),
      inter_token_latency: ms(25.383637276041668),
    },
    error: null,
  },
];

/** anud18/qwen36-vllm-aiperf-benchmark results/nvfp4/5090/agent/c16/profile_export_aiperf.json @ d254ffc72ef9 */
export const AIPERF_EXPORT = {
  schema_version: '1.3',
  aiperf_version: '0.10.0',
  request_throughput: { unit: 'requests/sec', avg: 2.156207775934887 },
  request_latency: {
    unit: 'ms',
    avg: 6726.664069072916,
    p50: 6478.6263245,
    p90: 12053.176363499999,
    p95: 15873.0676895,
    p99: 18625.4480323,
  },
  request_count: { unit: 'requests', avg: 96.0 },
  time_to_first_token: { unit: 'ms', avg: 230.13715230208334, p50: 177.785533, p99: 687.6198782499999 },
  inter_token_latency: {
    unit: 'ms',
    avg: 11.847342175364519,
    p50: 12.245986588621273,
    p99: 13.272469915788289,
  },
  inter_chunk_latency: {
    unit: 'ms',
    avg: 11.988285643080944,
    p50: 9.08178129458742,
    p99: 117.98615575276864,
  },
  output_token_throughput: { unit: 'tokens/sec', avg: 1172.145991694937 },
  output_sequence_length: { unit: 'tokens', avg: 543.6145833333334 },
  input_sequence_length: { unit: 'tokens', avg: 3761.3125 },
  benchmark_duration: { unit: 'sec', avg: 44.52261098 },
  input_config: {
    models: { items: [{ name: 'qwen3.6-nvfp4' }] },
    phases: [
      { name: 'warmup', type: 'concurrency', exclude_from_results: true, requests: 16, concurrency: 4 },
      { name: 'profiling', type: 'concurrency', requests: 96, concurrency: 16 },
    ],
  },
  was_cancelled: false,
  start_time: '2026-07-03T05:21:36.274997',
};

/** sgl-project/genai-bench regression_feature_with_flag/D100_100_…_num_concurrency_1_time_120s.json @ 89619fa33a6a */
export const GENAI_BENCH = {
  aggregated_metrics: {
    scenario: 'D(100,100)',
    num_concurrency: 1,
    iteration_type: 'num_concurrency',
    run_duration: 13.235636791998331,
    mean_output_throughput_tokens_per_s: 75.55359940101673,
    requests_per_second: 0.7555359940101672,
    num_error_requests: 0,
    num_completed_requests: 10,
    // Written although nobody set a rate: the loop is closed.
    arrival_requests_per_second: 0.7555364173983652,
    stats: {
      ttft: { mean: 0.37871779170054654, p50: 0.24124983350066032, p99: 1.24713632997049 },
      tpot: { mean: 0.009530514981814103, p50: 0.009909387621206921, p99: 0.013695827550500049 },
      e2e_latency: { mean: 1.3222387749001427, p50: 1.361910145499678, p99: 2.2262994742506637 },
      num_input_tokens: { mean: 106 },
      num_output_tokens: { mean: 100 },
    },
  },
  _time_unit: 's',
};

/** datacrunch-research/h200-benchmarks sglang/llama_3_3_70b_output_online.jsonl @ 65b698bc5c21: the first line. */
export const SGLANG = {
  backend: 'sglang',
  dataset_name: 'random',
  request_rate: 1.0,
  max_concurrency: null,
  total_input_tokens: 152612,
  total_output_tokens: 160347,
  total_output_tokens_retokenized: 160233,
  mean_e2e_latency_ms: 7811.2642198785525,
  median_e2e_latency_ms: 7793.184672482312,
  median_ttft_ms: 82.87082647439092,
  median_itl_ms: 13.637926895171404,
  output_throughput: 537.4147638064377,
  random_input_len: 1024,
  random_output_len: 1024,
  duration: 298.36731477989815,
  completed: 300,
};

/** zhangxinyuehfad/vllm-benchmarks benchmarks/results/serving_llama8B_tp1_sharegpt_qps_4.json @ 9f135ec787ec */
export const VLLM = {
  date: '20250217-104315',
  backend: 'vllm',
  model_id: 'Meta-Llama-3-8B-Instruct',
  tokenizer_id: 'Meta-Llama-3-8B-Instruct',
  best_of: 1,
  num_prompts: 200,
  request_rate: 4.0,
  burstiness: 1.0,
  max_concurrency: null,
  mean_ttft_ms: 189.12410335615277,
  median_ttft_ms: 181.0129750519991,
  std_ttft_ms: 39.80154672988622,
  p99_ttft_ms: 336.84755120426394,
  mean_tpot_ms: 87.64925255216323,
  median_tpot_ms: 87.8718727761697,
  std_tpot_ms: 14.029752720495988,
  p99_tpot_ms: 139.6767019666731,
  mean_itl_ms: 82.12795460648033,
  median_itl_ms: 69.18416358530521,
  std_itl_ms: 42.39694484482337,
  p99_itl_ms: 263.0033450573683,
};

/** A summary of llmperf printed whole in a published write-up of September 2026, cut to what is read. */
export const LLMPERF = {
  version: '2023-08-31',
  model: 'tinyLlama/TinyLlama-1.1B-Chat-v1.0',
  num_concurrent_requests: 5,
  results_inter_token_latency_s_mean: 0.011929198805297702,
  results_ttft_s_quantiles_p50: 0.24166843249986414,
  results_ttft_s_quantiles_p99: 0.5874693769191432,
  results_ttft_s_mean: 0.25382229144015583,
  results_end_to_end_latency_s_quantiles_p50: 1.1816258570015634,
  results_end_to_end_latency_s_quantiles_p99: 1.595307278520304,
  results_end_to_end_latency_s_mean: 1.1840654935201018,
  results_number_input_tokens_mean: 259.78,
  results_number_output_tokens_mean: 99.44,
  results_number_errors: 0,
  results_mean_output_throughput_token_per_s: 335.40081105324157,
  results_num_completed_requests: 50,
  results_num_completed_requests_per_min: 202.3737797988183,
  timestamp: 1789148187,
};

const successful = (mean: number, count: number, more: object = {}) => ({
  successful: { mean, count, ...more },
});

/** nirjhar17/guidellm-pd-disaggregation reports/constant5-benchmarks.json @ 2ff15754673a: format version 1, guidellm 0.5. */
export const GUIDELLM_V1 = {
  metadata: { version: 1, guidellm_version: '0.5.0' },
  args: { profile: 'constant', rate: [5.0], model: 'Qwen/Qwen3-0.6B' },
  benchmarks: [
    {
      type_: 'generative_benchmark',
      config: {
        strategy: { type_: 'constant', worker_count: 10, max_concurrency: 512, rate: 5.0 },
        backend: { model: 'Qwen/Qwen3-0.6B' },
      },
      scheduler_metrics: {
        start_time: 1771375184.930666,
        measure_start_time: 1771375184.930666,
        measure_end_time: 1771375244.930666,
      },
      metrics: {
        request_totals: { successful: 281, errored: 0, incomplete: 18, total: 299 },
        requests_per_second: successful(4.683333333333332, 281),
        request_concurrency: successful(17.31796400944392, 281),
        request_latency: successful(3.6977862013616596, 281, {
          percentiles: { p50: 3.702547073364258, p90: 3.8371505737304688, p99: 3.9405105113983154 },
        }),
        prompt_token_count: successful(264.0, 281),
        output_token_count: successful(128.0, 281, { total_sum: 35968.0 }),
      },
    },
  ],
};

/** llm-d/llm-d guides/wide-ep-lws/README.md @ a7c817b88d7f: a report of version 0.2 as its YAML stands there. */
export const LLM_D_YAML = `results:
  request_performance:
    aggregate:
      latency:
        inter_token_latency:
          max: 30.34121842868626
          mean: 0.07969590251979176
          min: 3.8053840398788452e-06
          p50: 6.389804184436798e-06
          p90: 3.565475344657898e-05
          p95: 0.8909534962382163
          p99: 1.2793979200161996
          p99p9: 1.598953516515907
          units: s/token
        normalized_time_per_output_token:
          mean: 0.11380224349675808
          units: s/token
        request_latency:
          mean: 175.831311636725
          p50: 166.57856354676187
          p90: 218.8493181052618
          p95: 235.833738672873
          p99: 248.89307169288398
          units: s
        time_per_output_token:
          mean: 0.07970394011720383
          p50: 0.07990098050042406
          p90: 0.08199862981275519
          p95: 0.08245319460844246
          p99: 0.08341267507742763
          units: s/token
        time_to_first_token:
          mean: 21.29069098684954
          p50: 11.075260647572577
          p90: 58.6893984858878
          p95: 73.95478512016125
          p99: 86.97312242283486
          units: s
      requests:
        failures: 0
        input_length:
          mean: 2046.793701171875
          units: count
        output_length:
          mean: 2004.9931640625
          units: count
        total: 8192
      throughput:
        output_token_rate:
          mean: 22124.879416240507
          units: tokens/s
        request_rate:
          mean: 11.034890199531286
          units: queries/s
run:
  cid: 84d64299-c166-584e-b27f-d7951cca928b
  time: {}
  uid: 2c9ada2e-362f-4e90-9eba-453b9e0c200d
scenario:
  load:
    standardized:
      concurrency: 2048
      rate_qps: 8192.0
      source: unknown
      stage: 0
      tool: inference-perf
      tool_version: ''
version: '0.2'
`;

/** zetxqx/llm-d guides/benchmark/README.md: a report of version 0.1. */
export const LLM_D_01_YAML = `metrics:
  latency:
    inter_token_latency:
      mean: 0.02900245059172652
      p50: 0.023767696984577924
      units: s/token
    request_latency:
      mean: 31.201138343144265
      p99: 39.51040306784445
      units: s
    time_per_output_token:
      mean: 0.029002450591726524
      p99: 0.0387846155043639
      units: s/token
    time_to_first_token:
      mean: 2.1675998359240474
      p99: 7.078293362634135
      units: s
  requests:
    failures: 0
    input_length:
      mean: 7583.23
      units: count
    output_length:
      mean: 922.125
      units: count
    total: 200
  throughput:
    output_tokens_per_sec: 3502.384763911175
    requests_per_sec: 3.798167020643812
  time:
    duration: 22.336875702952966
scenario:
  load:
    metadata:
      stage: 2
    name: inference-perf
  model:
    name: unknown
version: '0.1'
`;
