/** The audit log and its replay. */
export { AuditLog, type LogLine } from './log.ts';
export { replayLog, type Replay } from './replay.ts';
