import type { Emitter } from './emitter.js';
import { type Ref, tensorType, typeOf } from './text.js';

/** All axes but the first, counted from it. */
const behind = (x: Ref) => x.shape.slice(1).map((_, i) => i + 1);

/** x[indices[i]] for row i. */
export function gatherRows(e: Emitter, x: Ref, indices: Ref): Ref {
  const sizes = [1, ...x.shape.slice(1)];
  const numbers = `offset_dims = [${behind(x).join(', ')}], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1`;
  const shape = x.shape.with(0, indices.shape[0]!);
  return e.emit(
    `"stablehlo.gather"(${x.id}, ${indices.id}) <{dimension_numbers = #stablehlo.gather<${numbers}>, indices_are_sorted = false, slice_sizes = array<i64: ${sizes.join(', ')}>}> : (${typeOf(x)}, ${typeOf(indices)}) -> ${tensorType(shape, x.type)}`,
    shape,
    x.type,
  );
}

/** x with rows[i] for its row indices[i], each index once. */
export function replaceRows(e: Emitter, x: Ref, indices: Ref, rows: Ref): Ref {
  const element = tensorType([], x.type);
  const numbers = `update_window_dims = [${behind(x).join(', ')}], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1`;
  return e.emit(
    `"stablehlo.scatter"(${x.id}, ${indices.id}, ${rows.id}) <{indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<${numbers}>, unique_indices = true}> ({
^bb0(%x: ${element}, %y: ${element}):
  stablehlo.return %y : ${element}
}) : (${typeOf(x)}, ${typeOf(indices)}, ${typeOf(rows)}) -> ${typeOf(x)}`,
    x.shape,
    x.type,
  );
}
