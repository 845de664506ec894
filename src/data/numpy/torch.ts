import { posix } from 'node:path';
import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import type { Dtype } from './ndarray.js';
import { readZipEntries } from './npz.js';
import { unpickle, unpickleFirst } from './pickle.js';
import { ArrayObject, type Pickled, STORAGES, TypeObject } from './pickle-globals.js';

/**
 * What `torch.save` wrote: a zip of one pickle (`NAME/data.pkl`) and the bytes of each tensor (`NAME/data/KEY`).
 *
 * @param limit Bytes of all of it, unpacked.
 * @throws RethinkError (`data`) where it is damaged or holds more than data.
 */
export async function readTorch(path: string, limit: number): Promise<Pickled> {
  const wanted = (name: string) => /^[^/]+\/(data\.pkl|byteorder|data\/[^/]+)$/.test(name);
  const entries = await readZipEntries(path, wanted, limit);
  const pickled = [...entries].find(([name]) => name.endsWith('/data.pkl'));
  if (pickled === undefined) {
    throw new RethinkError('data', `${path} is a zip, and not one that torch.save wrote.`);
  }
  const [name, bytes] = pickled;
  const folder = posix.dirname(name);
  if (entries.get(`${folder}/byteorder`)?.toString('latin1').trim() === 'big') {
    throw otherOrder(path);
  }
  return unpickle(bytes, `${path}: ${name}`, {
    persistent: (id) => {
      const { key, dtype, count } = storageOf(id, path);
      const raw = entries.get(`${folder}/data/${key}`);
      if (raw === undefined) throw lacks(key, path);
      return filled(dtype, count, raw, path);
    },
  });
}

/** How the files of `torch.save` before PyTorch 1.6 begin: a pickled number of theirs. */
export const OLD_TORCH_MAGIC = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');

/**
 * What `torch.save` wrote before PyTorch 1.6, or writes with `_use_new_zipfile_serialization=False`: pickles of its version,
 * of the machine, of the object and of the tensors' names, and then each tensor's length and bytes.
 *
 * @throws RethinkError (`data`) where it is damaged or holds more than data.
 */
export function parseOldTorch(bytes: Buffer, path: string): Pickled {
  let at = OLD_TORCH_MAGIC.length;
  const next = (persistent?: (id: Pickled) => Pickled) => {
    const { value, length } = unpickleFirst(bytes.subarray(at), path, persistent && { persistent });
    at += length;
    return value;
  };
  next();
  const machine = next();
  if (machine instanceof Map && machine.get('little_endian') === false) throw otherOrder(path);
  const begin = at;
  // Where the bytes of the tensors lie is only known behind the object: it is read twice, at first with any bytes.
  const dtypes = new Map<string, Dtype>();
  next((id) => {
    const { key, dtype, count } = storageOf(id, path);
    dtypes.set(key, dtype);
    return filled(dtype, count, bytes.subarray(0, count * dtype.bytes), path);
  });
  const keys = next();
  const storages = new Map<string, Buffer>();
  for (const key of Array.isArray(keys) ? keys : []) {
    const dtype = typeof key === 'string' ? dtypes.get(key) : undefined;
    if (dtype === undefined || at + 8 > bytes.length) throw lacks(key, path);
    const length = Number(bytes.readBigInt64LE(at)) * dtype.bytes;
    storages.set(key as string, bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  at = begin;
  return next((id) => {
    const { key, dtype, count } = storageOf(id, path);
    const raw = storages.get(key);
    if (raw === undefined) throw lacks(key, path);
    return filled(dtype, count, raw, path);
  });
}

/** What a pickle says of the bytes of a tensor: ("storage", type, key, where it was, elements, …). */
function storageOf(id: Pickled, path: string): { key: string; dtype: Dtype; count: number } {
  const [, storage, key, , count] = Array.isArray(id) ? id : [];
  const dtype = storage === undefined ? undefined : STORAGES.get(storage);
  if (dtype === undefined || typeof key !== 'string' || typeof count !== 'number') {
    throw lacks(key, path);
  }
  return { key, dtype, count };
}

function filled(dtype: Dtype, count: number, raw: Buffer, path: string): ArrayObject {
  return new ArrayObject().fill(new TypeObject(dtype), [count], false, raw, path);
}

function lacks(key: Pickled | undefined, path: string): RethinkError {
  const tensor = typeof key === 'string' ? `tensor ${quoted(key)}` : 'a tensor';
  return new RethinkError('data', `${path} is damaged: it lacks ${tensor}.`);
}

function otherOrder(path: string): RethinkError {
  return new RethinkError('data', `${path} was written on a machine of another byte order.`);
}
