/** A measured result that tests of the page and of its state import. */

/** As `vllm bench serve --save-result` writes it. */
export const VLLM_BENCH = {
  date: '20250101-000000',
  backend: 'vllm',
  model_id: 'meta-llama/Llama-3.1-8B-Instruct',
  num_prompts: 500,
  request_rate: 10,
  max_concurrency: null,
  duration: 52.3,
  completed: 500,
  total_input_tokens: 512_000,
  total_output_tokens: 110_000,
  request_throughput: 9.56,
  output_throughput: 2103.2,
  total_token_throughput: 11_892.9,
  mean_ttft_ms: 48.2,
  median_ttft_ms: 41,
  p99_ttft_ms: 180.1,
  mean_tpot_ms: 6.1,
  median_tpot_ms: 6,
  p99_tpot_ms: 9.9,
  mean_itl_ms: 6.2,
  median_itl_ms: 5.9,
  p99_itl_ms: 14.2,
};
