/** A run as the text of a file; loaded with the first file that is asked for. */
export { csvOf } from '../exchange/run-csv.ts';
export { runToJson } from '../exchange/run-files.ts';
