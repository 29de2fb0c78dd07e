/** Entry of the table of errors, in Node; reference data comes from the folder that KVLAB_DATA names. */
export { measuredErrors } from './report.ts';
