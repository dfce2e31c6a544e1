/**
 * Numeric kernels on one shared memory: plain 128-bit SIMD, f32, row-major, pointers in bytes, strides in floats.
 *
 * K1. No kernel allocates or keeps state, and there is no static data (so no Math.log, which has a table): what a kernel
 *     needs beyond its arguments it gets as a work area.
 * K2. Each output element is summed in an order that depends on its own row alone, never on how many rows the
 *     call has, so a result does not change with the batch that it is computed in.
 * K3. Pointers are not checked here. Callers own the bounds; test/unit/tinylm-kernels.test.ts guards them.
 */
export { exponential } from './exponential';
export { gemm, gemmPacked, packColumns, packedFloats, workFloats } from './gemm';
export { gatherRows, scatterAddRows, add } from './rows';
export { rmsNorm, rmsNormBackward } from './norm';
export { embed, embedBackward } from './embedding';
export { rotate, softmaxCausal, softmaxBackward, attendCached, transposeInto } from './attention';
export { squaredRelu, squaredReluBackward } from './activation';
export { crossEntropy } from './loss';
export { sumShards, squaredNorm, adamW } from './optimizer';
export { argmax, sumExponentials, temper, cutBelow, pick } from './sampling';
