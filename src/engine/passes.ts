/** The compute passes of a step: one, unless something between two launches must be copied out. */

export interface Passes {
  /** The pass that is open. */
  readonly pass: GPUComputePassEncoder;
  /** Ends the pass, lets `copy` use the encoder, and goes on in a new pass. */
  between(copy: (encoder: GPUCommandEncoder) => void): void;
  end(): void;
}

/** @param timestamps around the first pass; a step that is broken up is not timed */
export function createPasses(encoder: GPUCommandEncoder, timestamps?: GPUComputePassTimestampWrites): Passes {
  let pass = encoder.beginComputePass({
    label: 'Engine.step',
    ...(timestamps && { timestampWrites: timestamps }),
  });
  return {
    get pass() {
      return pass;
    },
    between(copy) {
      pass.end();
      copy(encoder);
      pass = encoder.beginComputePass({ label: 'Engine.step' });
    },
    end: () => pass.end(),
  };
}
