/** The engines that a config can name, besides `auto`; what is known of each is its row in `engines/table.ts`. */
export const ENGINES = ['tensorflow', 'xla', 'wasm'] as const;
export type EngineName = (typeof ENGINES)[number];

export const PRECISIONS = ['float32', 'bfloat16'] as const;
export type Precision = (typeof PRECISIONS)[number];
