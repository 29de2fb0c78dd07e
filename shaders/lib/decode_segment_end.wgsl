// Inlined by the decode kernels: closes the run that decode_segment opened.
//!if HOIST
    at = stop;
  }
//!else
  }
//!end
