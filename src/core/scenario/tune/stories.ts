/** The tunings of `scenarios/`, as partial layers over the defaults of their kind. Boundary: data only. */
import tuneChat from '../../../../scenarios/tune-chat-8b.json' with { type: 'json' };
import tuneKernels from '../../../../scenarios/tune-decode-kernels.json' with { type: 'json' };
import tuneRag from '../../../../scenarios/tune-rag-8b.json' with { type: 'json' };
import tuneServer from '../../../../scenarios/tune-real-server.json' with { type: 'json' };
import tuneShipped from '../../../../scenarios/tune-shipped-model.json' with { type: 'json' };
import type { JsonObject } from '../../json.ts';

export const TUNE_LAYERS: Readonly<Record<string, JsonObject>> = {
  'tune-chat-8b': tuneChat,
  'tune-rag-8b': tuneRag,
  'tune-shipped-model': tuneShipped,
  'tune-decode-kernels': tuneKernels,
  'tune-real-server': tuneServer,
};
