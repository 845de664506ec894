import { messageOf, RethinkError } from '../../../errors.js';
import { knownFailure } from './errors.js';

/** A program that takes of a compiler what every other takes: ptxas and libdevice, where there are such. */
const PROBE = `module @program {
func.func public @main(%x: tensor<64xf32>) -> tensor<64xf32> {
%0 = stablehlo.power %x, %x : tensor<64xf32>
%1 = stablehlo.sqrt %0 : tensor<64xf32>
return %1 : tensor<64xf32>
}
}
`;

/**
 * Why a program isn't compiled, where something is missing: XLA may only say then that no kernel suits, whatever the reason.
 *
 * @param error what it said
 * @param compile StableHLO text
 * @returns what it says of the simplest program, if that is known to mean something; else the error as it is
 */
export async function explained(
  error: unknown,
  compile: (text: string) => Promise<unknown>,
): Promise<unknown> {
  if (!(error instanceof RethinkError) || isKnown(error)) return error;
  try {
    await compile(PROBE);
    return error;
  } catch (probed) {
    return isKnown(probed) ? probed : error;
  }
}

/** Whether something is missing or full; of others the program itself may be the reason. */
export function isKnown(error: unknown): boolean {
  return error instanceof RethinkError && knownFailure(messageOf(error.cause)) !== undefined;
}
