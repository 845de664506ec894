import koffi from '../../machine/koffi.js';

// A view of native memory (`koffi.view`) would count as JavaScript's own, and bring the garbage collector on.
const memcpy: (target: bigint, source: bigint, bytes: number) => void = koffi
  .load(null)
  .func('void *memcpy(void *target, const void *source, size_t bytes)');

/** Memory whose address C may keep while its JavaScript object lives. */
export type Memory = NodeJS.ArrayBufferView;

/** Zeroed memory that the garbage collector never moves (a small `Buffer.alloc` lives on the moving heap). */
export function allocate(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}

/** A copy of bytes in memory that never moves. */
export function inMemory(bytes: Buffer): Buffer {
  const memory = allocate(bytes.length);
  bytes.copy(memory);
  return memory;
}

/** Pointers or int64 numbers, one after the other, as C reads them. */
export function int64s(values: readonly (bigint | number)[]): Buffer {
  const memory = allocate(Math.max(1, values.length) * 8);
  values.forEach((value, i) => {
    memory.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), i * 8);
  });
  return memory;
}

export function addressOf(memory: Memory): bigint {
  return koffi.address(memory);
}

/** A copy of native memory, in memory that never moves. */
export function copyBytes(address: bigint, bytes: number): Buffer {
  const copy = allocate(bytes);
  if (bytes > 0) memcpy(addressOf(copy), address, bytes);
  return copy;
}

/** Writes all of `bytes` to native memory. */
export function writeBytes(address: bigint, bytes: Memory): void {
  if (bytes.byteLength > 0) memcpy(address, addressOf(bytes), bytes.byteLength);
}

/** A C string that need not end in a zero byte. */
export function readString(address: bigint, bytes: number): string {
  return copyBytes(address, bytes).toString('utf8');
}

/** What native functions under way have addresses in: the garbage collector must not think it dead. */
const inFlight = new Set<unknown>();

/**
 * Waits for a native function that computes on another thread.
 *
 * @param memory what C has addresses in until it is back
 * @param start calls the function, koffi's way
 */
export async function awaitCall<T>(
  memory: object,
  start: (done: (error: Error | null, result: T) => void) => void,
): Promise<T> {
  inFlight.add(memory);
  try {
    return await new Promise<T>((resolve, reject) =>
      start((error, result) => (error ? reject(error) : resolve(result))),
    );
  } finally {
    inFlight.delete(memory);
  }
}
