/**
 * LMCache: the file that LMCACHE_CONFIG_FILE names, for the host memory of a plan, and the vLLM command that uses it.
 * Sizes are GiB of each rank (lmcache/v1/config.py). Its chunks are 256 tokens, whatever the engine's blocks are.
 */
import * as v from 'valibot';
import { stringify } from 'yaml';
import { accepted, documentArguments, FlagTable } from '../flags.ts';
import rows from '../flags/lmcache.json' with { type: 'json' };
import { commentLines } from '../shell.ts';
import { gibibytes, type Renderer } from '../subject.ts';

export const LMCACHE_KEYS: FlagTable = v.parse(FlagTable, rows);

const CHUNK_TOKENS = 256;

export const renderLmcache: Renderer = ({ choice, repository }) => {
  const document = {
    chunk_size: CHUNK_TOKENS,
    local_cpu: choice.offloadGB > 0,
    max_local_cpu_size: gibibytes(choice.offloadGB * 1e9),
    save_decode_cache: false,
  };
  accepted(LMCACHE_KEYS, documentArguments(document));
  const notes = [
    ...(choice.engine === 'vllm' || choice.engine === 'sglang'
      ? []
      : [`LMCache goes with vLLM and SGLang; this plan is for ${choice.engine}.`]),
    ...(choice.offloadGB > 0
      ? []
      : ['This plan keeps no KV in host memory: LMCache has nothing to do in it.']),
  ];
  const connector = `'{"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}'`;
  const comments = [
    ...notes,
    `LMCACHE_CONFIG_FILE=lmcache.yaml vllm serve ${repository} … --kv-transfer-config ${connector}`,
    'in place of --kv-offloading-size. Sizes are GiB of each GPU.',
  ];
  return {
    text: `${commentLines(comments)}${stringify(document)}`,
    language: 'yaml',
    file: 'lmcache.yaml',
    notes,
  };
};
