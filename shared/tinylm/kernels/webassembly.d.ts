/** The part of the WebAssembly API that we use: the types of Node 20 leave it to the DOM library, which we do not want. */
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: true });
    readonly buffer: SharedArrayBuffer;
  }
  const Module: new (bytes: Uint8Array) => object;
  class Instance {
    constructor(module: object, imports: { env: { memory: Memory } });
    readonly exports: object;
  }
}
