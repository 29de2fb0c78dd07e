/** Version of the run document, whatever its kind. */
export const RUN_VERSION = 1;
