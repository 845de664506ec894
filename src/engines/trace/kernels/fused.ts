import {
  APPLY_MOMENTUM,
  FUSED_BATCH_NORM,
  FUSED_BATCH_NORM_GRAD,
  SPARSE_CROSS_ENTROPY,
  WHITEN,
} from '../../../models/ops.js';
import type { TraceBackend } from '../backend.js';
import { record } from './register.js';

/** Our own kernels, recorded whole: every lowering has a native or a composite version. */
export function registerFused(backend: TraceBackend): void {
  record<{ epsilon: number }>(backend, FUSED_BATCH_NORM, ({ builder, value }, { epsilon }) =>
    builder.emitAll('fusedBatchNorm', [value('x'), value('scale'), value('offset')], { epsilon }),
  );
  record<{ epsilon: number }>(backend, FUSED_BATCH_NORM_GRAD, ({ builder, value }, { epsilon }) =>
    builder.emitAll(
      'fusedBatchNormGrad',
      ['dy', 'x', 'scale', 'r1', 'r2', 'r3'].map((name) => value(name)),
      { epsilon },
    ),
  );
  record(backend, SPARSE_CROSS_ENTROPY, ({ builder, value }) =>
    builder.emitAll('sparseSoftmaxCrossEntropy', [value('features'), value('labels')], {}),
  );
  record<{ momentum: number }>(backend, APPLY_MOMENTUM, ({ builder, value }, { momentum }) =>
    builder.emitAll(
      'applyMomentum',
      ['p', 'v', 'g', 'learningRate'].map((name) => value(name)),
      { momentum },
    ),
  );
  record(backend, WHITEN, ({ builder, value }) => {
    const images = value('images');
    return [builder.typed('whiten', [images], {}, { shape: images.shape, dtype: 'float32' })];
  });
}
