/** The planner's speed: times of one replica, what they consist of, and how far they are from measurement. */
export { createSpeed, Speed, tokensPerStep, type SpeedChoice, type SteadyLoad } from './speed.ts';
