/** What goes first: block policies by name and visitors' expressions, and their comparison on the same accesses. */
export { BUILTIN_SCORES, builtinScore } from './builtin.ts';
export { compareScores, type ScoreComparison, type ScoreRow } from './compare.ts';
export { parseScore, SCORE_BOUNDS, SCORE_FUNCTIONS } from './parse.ts';
export { SCORE_VARIABLES, type Score, type ScoreFacts, type ScoreVariable } from './score.ts';
export { scorePolicy } from './replay-policy.ts';
