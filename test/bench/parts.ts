/** What a bench has started, to be ended in the other order. */
export interface Parts {
  /** Notes one that has to be ended, and returns it. */
  use<TPart extends AsyncDisposable>(part: TPart): TPart;
  end(): Promise<void>;
}

export function createParts(): Parts {
  const parts: AsyncDisposable[] = [];
  return {
    use: (part) => {
      parts.unshift(part);
      return part;
    },
    end: async () => {
      for (const part of parts) await part[Symbol.asyncDispose]();
    },
  };
}
