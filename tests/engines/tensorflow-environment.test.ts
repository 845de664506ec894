import { describe, expect, it } from 'vitest';
import { usedInstructionSets } from '../../src/machine/cpu.js';
import { runTypeScript } from '../helpers/child.js';
import { ensureTensorflow } from '../helpers/engine.js';

const { engine, skipped } = await ensureTensorflow();

interface Said {
  info: Record<string, unknown>;
  notes: string[];
  native: string | null;
}

/** What tests/engines/child-environment.ts says, with these variables set or unset. */
async function load(precision: string, env: Record<string, string | undefined>): Promise<Said> {
  const script = 'tests/engines/child-environment.ts';
  const { code, stdout, stderr } = await runTypeScript(script, { args: [precision], env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as Said;
}

describe.skipIf(engine?.info.device !== 'cpu')(`TensorFlow${skipped}`, () => {
  it.each([
    [undefined, '1'],
    ['1', '1'],
    ['0', '0'],
  ])('given TF_ENABLE_ONEDNN_OPTS=%s is loaded with %s', async (given, held) => {
    const { info, native } = await load('float32', { TF_ENABLE_ONEDNN_OPTS: given });
    expect({ native, onednn: info.onednn }).toEqual({ native: held, onednn: held });
  });

  it.skipIf(usedInstructionSets() === undefined)(
    'says once that bfloat16 is slow where it is',
    async () => {
      // A newer CPU held to AVX2 is refused where oneDNN computes: its products, too, would be asked for.
      const avx2 = { ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '0' };
      const { notes } = await load('bfloat16', avx2);
      expect(notes.filter((note) => /no instructions for bfloat16/.test(note))).toHaveLength(1);
      const { notes: others } = await load('float32', avx2);
      expect(others.join()).not.toContain('instructions');
    },
  );
});
