import { afterEach, describe, expect, it, vi } from 'vitest';
import { compilationFor } from '../../src/engines/xla/compilation.js';

const OPTION = 'xla_gpu_enable_command_buffer';
const EXACT = { precision: 'float32', deterministic: false } as const;

describe('CUDA graphs', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('may hold whole loops', () => {
    vi.stubEnv('XLA_FLAGS', '--xla_gpu_autotune_level=0');
    const { debug, commandBuffers } = compilationFor({ platform: 'cuda' }, EXACT);
    expect(debug[OPTION]).toBe(commandBuffers);
    expect(commandBuffers).toMatch(/\bWHILE\b/);
  });

  it.each([
    ['', ''],
    ['FUSION', 'FUSION'],
    [`FUSION --xla_dump_to=/nowhere --${OPTION}=CUBLAS`, 'CUBLAS'],
  ])('are what XLA_FLAGS says where it says so: %j', (said, held) => {
    vi.stubEnv('XLA_FLAGS', `--xla_gpu_autotune_level=0 --${OPTION}=${said}`);
    const { debug, commandBuffers } = compilationFor({ platform: 'cuda' }, EXACT);
    expect(debug).not.toHaveProperty(OPTION);
    expect(commandBuffers).toBe(held);
  });

  it('are nothing on a CPU', () => {
    const { debug, commandBuffers } = compilationFor({ platform: 'cpu' }, EXACT);
    expect(debug).toEqual({});
    expect(commandBuffers).toBeUndefined();
  });
});

it('deterministic programs multiply without Triton, which XLA refuses there', () => {
  const { debug } = compilationFor({ platform: 'cuda' }, { ...EXACT, deterministic: true });
  expect(debug).toMatchObject({
    xla_gpu_deterministic_ops: true,
    xla_gpu_enable_triton_gemm: false,
  });
});
