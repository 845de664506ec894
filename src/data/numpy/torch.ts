import { posix } from 'node:path';
import { RethinkError } from '../../errors.js';
import { quoted } from '../../text.js';
import { readZipEntries } from './npz.js';
import { unpickle } from './pickle.js';
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
    throw new RethinkError('data', `${path} was written on a machine of another byte order.`);
  }
  const persistent = (id: Pickled) => {
    const [, storage, key, , count] = Array.isArray(id) ? id : [];
    const dtype = storage === undefined ? undefined : STORAGES.get(storage);
    const raw = typeof key === 'string' ? entries.get(`${folder}/data/${key}`) : undefined;
    if (dtype === undefined || raw === undefined) {
      throw new RethinkError('data', `${path} is damaged: it lacks tensor ${quoted(String(key))}.`);
    }
    return new ArrayObject().fill(new TypeObject(dtype), [count ?? null], false, raw, path);
  };
  return unpickle(bytes, `${path}: ${name}`, { persistent });
}
