// Stands in the package where the page has ONNX Runtime: tokenizers need none of it, and a session is refused in words.
export class Tensor {}

export const InferenceSession = {
  create() {
    throw new Error(
      'this package has no ONNX Runtime: the comparison runs on the page and in its headless browser',
    );
  },
};

export const env = undefined;
