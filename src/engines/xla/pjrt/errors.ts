import { RethinkError } from '../../../errors.js';
import { RESOURCE_EXHAUSTED } from './layout.js';

/** How a failure of the native side is recognized, what to call it, and the way out. */
interface KnownFailure {
  pattern: RegExp;
  message: string;
  hint: string;
}

const OWN_LIBRARIES =
  'Install the plugin with its own NVIDIA libraries: rethink-gen engine install xla --cuda13 (or --cuda12).';

const OUT_OF_MEMORY: KnownFailure = {
  pattern: /out of memory|CUDA_ERROR_OUT_OF_MEMORY|RESOURCE_EXHAUSTED/i,
  message: 'The device is out of memory',
  hint: 'Use a smaller train.batchSize, or close other programs that use this device (nvidia-smi lists them).',
};

const KNOWN: KnownFailure[] = [
  {
    pattern:
      /driver version is insufficient|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|unsupported PTX|forward compatibility/i,
    message: "The NVIDIA driver is too old for the plugin's CUDA version",
    hint: 'Update the driver, or install the plugin for an older CUDA: rethink-gen engine install xla --cuda12.',
  },
  {
    pattern:
      /no supported devices|CUDA_ERROR_NO_DEVICE|NO_DEVICE|failed call to cuInit|libcuda\.so|no CUDA-capable|no visible GPU/i,
    message: 'No NVIDIA GPU or driver was found',
    hint: 'Check that nvidia-smi lists a GPU and that CUDA_VISIBLE_DEVICES does not hide it, or choose --engine tensorflow.',
  },
  {
    pattern:
      /invalid device ordinal|CUDA_ERROR_INVALID_DEVICE|invalid visible device|visible_devices/i,
    message: 'There is no GPU with the index asked for',
    hint: 'Set engine.device (or --device) to one of the indices that nvidia-smi lists.',
  },
  OUT_OF_MEMORY,
  {
    pattern:
      /cudnn.*(version|not found|failed to (load|create|initialize))|CUDNN_STATUS_(NOT_INITIALIZED|VERSION_MISMATCH)/i,
    message: 'The cuDNN library does not fit the plugin',
    hint: OWN_LIBRARIES,
  },
  {
    pattern: /ptxas|libdevice/i,
    message: "The CUDA assembler 'ptxas' was not found or is too old",
    hint: 'Install the plugin with it: rethink-gen engine install xla --cuda13 (or --cuda12). Or set CUDA_HOME to a CUDA installation that has bin/ptxas.',
  },
];

/** What a native message is known to mean: something is missing or full, whatever was to be done. */
export function knownFailure(message: string): KnownFailure | undefined {
  return KNOWN.find(({ pattern }) => pattern.test(message));
}

/** First sentence of a native message: XLA appends source locations and reports of many lines. */
export function firstLine(message: string): string {
  const line = message.split('\n', 1)[0]?.trim().replace(/\.$/, '') ?? '';
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/**
 * An error of the PJRT plugin as a sentence and a way out.
 *
 * @param doing what failed, as it follows 'while': `compiling the training step`
 * @param code `PJRT_Error_Code`
 */
export function pjrtError(doing: string, code: number, message: string): RethinkError {
  const known = code === RESOURCE_EXHAUSTED ? OUT_OF_MEMORY : knownFailure(message);
  const what = `while ${doing}: ${firstLine(message)}`;
  const cause = new Error(message);
  if (known !== undefined) {
    const { hint } = known;
    return new RethinkError('failed', `${known.message} (xla engine, ${what}).`, { hint, cause });
  }
  return new RethinkError('failed', `The xla engine failed ${what}.`, {
    hint: 'See what this machine has with rethink-gen doctor; the other native engine is --engine tensorflow.',
    cause,
  });
}

/** A plugin file that the dynamic linker refuses. */
export function loadError(path: string, message: string): RethinkError {
  const missing = /(\S+\.so[.\d]*): cannot open shared object file/.exec(message)?.[1];
  const cause = new Error(message);
  if (missing !== undefined && missing !== path) {
    const what = `The PJRT plugin '${path}' needs '${missing}', which was not found.`;
    return new RethinkError('failed', what, { hint: OWN_LIBRARIES, cause });
  }
  const why = firstLine(message).replace(`${path}: `, '');
  return new RethinkError('failed', `The PJRT plugin '${path}' can't be loaded: ${why}.`, {
    hint: 'Give the path of a plugin (.so) for this machine in RETHINK_GEN_PJRT_PLUGIN, or run: rethink-gen engine install xla.',
    cause,
  });
}
