import { inMemory } from '../../native/memory.js';
import { Struct } from './struct.js';

/**
 * What both ways of compiling take of a program.
 *
 * @param text StableHLO
 * @param options serialized CompileOptions
 */
export function programArguments(text: string, options: Buffer) {
  const format = inMemory(Buffer.from('mlir'));
  const code = inMemory(Buffer.from(text));
  const optionBytes = inMemory(options);
  return {
    program: new Struct('PJRT_Program', {
      code,
      code_size: code.length,
      format,
      format_size: format.length,
    }),
    compile_options: optionBytes,
    compile_options_size: optionBytes.length,
  };
}
