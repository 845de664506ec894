import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PjrtApi } from '../../src/engines/xla/pjrt/api.js';
import type { PjrtClient } from '../../src/engines/xla/pjrt/client.js';
import { compileOptions } from '../../src/engines/xla/pjrt/compile-options.js';
import { loadError, pjrtError } from '../../src/engines/xla/pjrt/errors.js';
import { RethinkError } from '../../src/errors.js';
import { cpuClient, cpuPlugin } from './xla-plugin.js';

const { plugin, reason } = await cpuPlugin();

const ADD = `module @add {
  func.func public @main(%a: tensor<2x2xf32>, %b: tensor<2x2xf32> {tf.aliasing_output = 0 : i32}) -> tensor<2x2xf32> {
    %0 = stablehlo.add %a, %b : tensor<2x2xf32>
    return %0 : tensor<2x2xf32>
  }
}`;
const SQUARE = [{ shape: [2, 2], type: 'f32' as const }];

describe.skipIf(!plugin)(`PJRT client${reason}`, () => {
  let client: PjrtClient;
  beforeAll(async () => {
    client = await cpuClient(plugin);
  });
  afterAll(() => client.close());

  it('says what it runs on', () => {
    expect(client.platform).toBe('cpu');
    expect(client.deviceKind).toBe('cpu');
    expect(client.api.version.major).toBe(0);
  });

  it('adds two buffers, wherever in host memory they lie', async () => {
    const long = Float32Array.from({ length: 10 }, (_, i) => i);
    const shared = new Float32Array(new SharedArrayBuffer(16)).fill(0.5);
    const a = await client.upload(long.subarray(3, 7), [2, 2], 'f32');
    const b = await client.upload(shared, [2, 2], 'f32');
    const executable = await client.compile(ADD, compileOptions());
    const [sum] = await executable.execute([a, b], SQUARE, 'adding');
    expect(await sum!.toHost()).toEqual(Float32Array.of(3.5, 4.5, 5.5, 6.5));
    for (const resource of [a, b, sum!, executable]) resource.destroy();
    expect(client.bufferCount).toBe(0);
  });

  it.each([
    ['f32', Float32Array.of(1.5, -0, 3e38, Number.NaN)],
    ['i32', Int32Array.of(-1, 0, 1, 2_147_483_647)],
    ['ui8', Uint8Array.of(0, 1, 128, 255)],
    ['i1', Uint8Array.of(0, 1, 1, 0)],
  ] as const)('takes %s to the device and back', async (type, data) => {
    const buffer = await client.upload(data, [4], type);
    expect(await buffer.toHost()).toEqual(data);
    buffer.destroy();
    buffer.destroy();
  });

  it('keeps the event loop free while it compiles', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const body = Array.from({ length: 400 }, (_, i) => {
      return `%${i + 1} = stablehlo.tanh %${i === 0 ? 'a' : i} : tensor<64x64xf32>`;
    });
    const text = `module @m { func.func public @main(%a: tensor<64x64xf32>) -> tensor<64x64xf32> { ${body.join('\n')} return %400 : tensor<64x64xf32> } }`;
    const executable = await client.compile(text, compileOptions());
    clearInterval(timer);
    executable.destroy();
    expect(turns).toBeGreaterThan(0);
  });

  it('loads a program that was serialized', async () => {
    const executable = await client.compile(ADD, compileOptions());
    const copy = await client.deserialize(executable.serialize());
    const a = await client.upload(Float32Array.of(1, 2, 3, 4), [2, 2], 'f32');
    const b = await client.upload(Float32Array.of(1, 1, 1, 1), [2, 2], 'f32');
    const [sum] = await copy.execute([a, b], SQUARE, 'adding');
    expect(await sum!.toHost()).toEqual(Float32Array.of(2, 3, 4, 5));
    for (const resource of [a, b, sum!, executable, copy]) resource.destroy();
  });

  it.each<[string, (c: PjrtClient) => Promise<unknown>, RegExp]>([
    [
      'text that is no program',
      (c) => c.compile('module { nonsense }', compileOptions()),
      /while compiling/,
    ],
    [
      'bytes that are no program',
      (c) => c.deserialize(Buffer.from('x')),
      /while loading a compiled/,
    ],
  ])('says in a sentence what is wrong with %s', async (_, act, message) => {
    const error = await act(client).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(RethinkError);
    expect((error as RethinkError).message).toMatch(message);
    expect((error as RethinkError).message).not.toContain('\n');
    expect((error as RethinkError).hint).toBeTruthy();
  });

  it('says so when a program gets too few inputs', async () => {
    const executable = await client.compile(ADD, compileOptions());
    await expect(executable.execute([], SQUARE, 'adding')).rejects.toThrow(/while adding/);
    executable.destroy();
  });

  it('refuses an array of the wrong size', async () => {
    await expect(client.upload(new Float32Array(3), [2, 2], 'f32')).rejects.toThrow(/12 bytes/);
  });
});

describe('PJRT errors', () => {
  it.each([
    [8, 'Out of memory while trying to allocate 17179869184 bytes.', /out of memory/, /batchSize/],
    [13, 'No visible GPU devices.', /No NVIDIA GPU/, /nvidia-smi/],
    [
      13,
      'CUDA driver version is insufficient for CUDA runtime version',
      /driver is too old/,
      /cuda12/,
    ],
    [3, 'invalid device ordinal', /index asked for/, /engine\.device/],
    [
      9,
      'No PTX compilation provider is available. Neither ptxas/nvlink nor nvjtlink is available. Details: \n - x',
      /'ptxas' was not found/,
      /engine install xla --cuda13/,
    ],
    [13, "libdevice not found at './libdevice.10.bc'", /'ptxas'/, /engine install xla --cuda13/],
    [13, 'Something new happened\n*** stack ***\n#1 foo()', /Something new happened\.$/, /doctor/],
  ])('%i %j becomes one sentence and a way out', (code, text, message, hint) => {
    const error = pjrtError('training', code, text);
    expect(error.message).toMatch(message);
    expect(error.message).toContain('while training');
    expect(error.message).not.toContain('\n');
    expect(error.hint).toMatch(hint);
  });

  it('names a plugin that is missing, and a library that it misses', () => {
    expect(() => PjrtApi.load('/nonexistent/plugin.so')).toThrow(
      /The PJRT plugin '\/nonexistent\/plugin\.so' can't be loaded/,
    );
    const message = 'libcudnn.so.9: cannot open shared object file: No such file or directory';
    expect(loadError('/a/plugin.so', message).message).toContain("needs 'libcudnn.so.9'");
  });
});

describe('compile options', () => {
  it('are the least proto that XLA takes', () => {
    // Fields 3 (build options: replicas, partitions) and 4 (portable).
    expect(compileOptions().toString('hex')).toBe('1a04200128012001');
  });

  it('carry debug options as a map', () => {
    const bytes = compileOptions({ xla_flag: true, xla_dir: '/x' });
    expect(bytes.toString('latin1')).toContain('\x3a\x0e\x0a\x08xla_flag\x12\x02\x10\x01');
    expect(bytes.toString('latin1')).toContain('\x3a\x0f\x0a\x07xla_dir\x12\x04\x0a\x02/x');
  });
});
