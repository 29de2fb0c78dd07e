/** The tuner on this GPU as the model's service loads it. */
import '../core/all-records.ts';

export { tuneOnGpu } from '../tune/on-gpu.ts';
export { openGpu } from '../gpu/context.ts';
export { peerOf } from './model-serving.ts';
