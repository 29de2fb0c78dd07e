/**
 * The pure half of an engine: requests, block manager and scheduler, which are the simulator's own (src/core), and what
 * is known of each sequence. A session begins empty; `reset` of the engine makes a new one.
 */
import type { BlockListener } from '../core/kv/block-events.ts';
import { BlockManager } from '../core/kv/block-manager.ts';
import { Sequences } from '../core/schedule/sequences.ts';
import { VllmScheduler } from '../core/schedule/vllm.ts';
import type { LiveLimits } from '../core/schedule/vllm-config.ts';
import { EngineConnector, type ConnectorParts } from './connector.ts';
import { evicts } from './eviction/cuts.ts';
import type { EngineSettings } from './engine-types.ts';
import { EngineRequests } from './requests.ts';
import { ReservingBlockManager } from './reserving-block-manager.ts';
import { TextIds } from './text-ids.ts';

/** Requests of one session: bounds the scheduler's arrays, which are a few dozen bytes a request. */
export const SESSION_REQUESTS = 16_384;

export interface Session {
  readonly requests: EngineRequests;
  readonly manager: BlockManager;
  readonly scheduler: VllmScheduler;
  readonly sequences: Sequences;
  readonly connector: EngineConnector;
  /** Plans are made one step ahead of the GPU's answers. */
  readonly ahead: boolean;
}

/** @param limits that are moved while the session lives; left out: those of the settings */
export function createSession(
  settings: EngineSettings,
  connection: ConnectorParts,
  limits?: LiveLimits,
): Session {
  const { blockSize, maxSequences, tokenBudget, longPrefillTokens, maxContextTokens, layout } = settings;
  const { spareBlocks = 0, planAhead = true } = settings;
  const numBlocks = settings.numBlocks + spareBlocks;
  const sharing = settings.prefixCaching && layout === 'paged';
  const requests = new EngineRequests(SESSION_REQUESTS, sharing ? new TextIds(blockSize) : null);
  // Made behind the pool that it listens to.
  let connector: EngineConnector | null = null;
  const onBlock: BlockListener = (kind, block, _request, id) => {
    if (kind === 'evict') connector?.evicted(block, id);
  };
  const pool = { numBlocks, spareBlocks, blockSize, requests, prefixCaching: sharing, onBlock };
  const manager =
    layout === 'paged'
      ? new BlockManager(pool)
      : new ReservingBlockManager({ ...pool, reservedTokens: maxContextTokens });
  connector = new EngineConnector(connection, manager, requests);
  const sequences = new Sequences(requests, blockSize);
  // What a policy drops is known when a step is done, and the next plan needs it.
  const ahead = planAhead && !evicts(settings);
  const scheduler = new VllmScheduler({
    ...{ manager, sequences, tokenBudget, maxSequences, longPrefillTokens, ahead },
    priorities: 'fcfs',
    watermarkBlocks: 0,
    reserveFullPrompt: false,
    connector,
    limits,
  });
  return { requests, manager, scheduler, sequences, connector, ahead };
}
