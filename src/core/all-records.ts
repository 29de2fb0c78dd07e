/**
 * With this module every room finds every model and GPU by name, not those of the small tables alone.
 *
 * Boundary: it is imported for what it does. The package's entries, the workers that simulate and tune, and the rooms
 * import it with themselves; links load it before they read a scenario that names records; the first screen goes without.
 * So a scenario reads the same wherever one can be read, whatever was opened before.
 */
import { ALL_GPUS, findAnyGpu } from './hardware/catalogue.ts';
import { findGpusIn } from './hardware/records.ts';
import { findArchitecturesIn } from './model/architecture.ts';
import { ALL_MODELS, findAnyModel } from './model/catalogue.ts';

findArchitecturesIn({ all: ALL_MODELS, find: findAnyModel });
findGpusIn({ all: ALL_GPUS, find: findAnyGpu });
