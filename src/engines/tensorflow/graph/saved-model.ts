import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphDefWriter } from './graph-def.js';
import { bytes, integer } from './proto.js';

/** The tag under which the one graph of a SavedModel is found. */
export const SERVE_TAG = 'serve';

/** The bytes of `saved_model.pb`. No signatures: nodes are fed and fetched by name. */
export function savedModel(graph: GraphDefWriter): Buffer {
  const metaInfo = bytes(1, bytes(4, SERVE_TAG));
  const metaGraph = bytes(2, metaInfo, bytes(2, ...graph.fields()));
  return Buffer.concat([integer(1, 1), metaGraph]);
}

/** Calls `load` with a folder that holds the model, which is gone afterwards: TensorFlow reads it whole. */
export async function withSavedModel<T>(
  graph: GraphDefWriter,
  load: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'rethink-gen-'));
  try {
    await writeFile(join(directory, 'saved_model.pb'), savedModel(graph));
    return await load(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
