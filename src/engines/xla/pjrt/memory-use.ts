import { RethinkError } from '../../../errors.js';
import type { MemoryUse } from '../../kind.js';
import type { PjrtApi } from './api.js';

/**
 * What a compiled program says of its memory; `null` where its plugin doesn't tell.
 *
 * @param executable a `PJRT_Executable`
 */
export function memoryUse(api: PjrtApi, executable: bigint): MemoryUse | null {
  try {
    const doing = 'asking for the memory that the program needs';
    const stats = api.call('PJRT_Executable_GetCompiledMemoryStats', { executable }, doing);
    return {
      arguments: stats.number('argument_size_in_bytes'),
      results: stats.number('output_size_in_bytes'),
      aliased: stats.number('alias_size_in_bytes'),
      temporary: stats.number('temp_size_in_bytes'),
    };
  } catch (error) {
    if (error instanceof RethinkError) return null;
    throw error;
  }
}
