/** The files of `scenarios/lessons/` by name, in the order of the course. */
import batching from '../../../scenarios/lessons/batching-and-tails.json' with { type: 'json' };
import bytes from '../../../scenarios/lessons/bytes-per-token.json' with { type: 'json' };
import eviction from '../../../scenarios/lessons/eviction.json' with { type: 'json' };
import paging from '../../../scenarios/lessons/paging.json' with { type: 'json' };
import prefix from '../../../scenarios/lessons/prefix-reuse.json' with { type: 'json' };
import why from '../../../scenarios/lessons/why-a-cache.json' with { type: 'json' };

export const LESSON_FILES: Readonly<Record<string, unknown>> = {
  'why-a-cache': why,
  'bytes-per-token': bytes,
  paging,
  'batching-and-tails': batching,
  'prefix-reuse': prefix,
  eviction,
};
