/** The engine as the quality laboratory drives it, and who makes one for a cache. Tests bring their own. */
import type { Engine } from '../../engine/engine.ts';
import type { EngineHooks, EngineSettings } from '../../engine/engine-types.ts';

export type QualityEngine = Pick<Engine, 'submit' | 'step' | 'destroy' | 'variant' | 'kvBytesPerToken'>;

/** @throws EngineSettingsError, GpuOutOfMemoryError */
export type OpenEngine = (settings: EngineSettings, hooks?: EngineHooks) => Promise<QualityEngine>;
