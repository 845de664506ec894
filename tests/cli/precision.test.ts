import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { limitAgainstBfloat16, usedInstructionSets } from '../../src/machine/cpu.js';
import { configFile } from '../config/helpers.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { TINY } from '../sweep/helpers.js';

const BIN = fileURLToPath(new URL('../../bin/rethink-gen.js', import.meta.url));
const { engine, skipped } = await ensureTensorflow();
const unknown = engine?.info.device !== 'cpu' || usedInstructionSets() === undefined;

/**
 * The command line on a CPU that has AVX2 and nothing later, as oneDNN sees it. TensorFlow sees more where there is more,
 * and would ask oneDNN for what it then can't do: on such a CPU it wouldn't.
 */
function onAvx2(...argv: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '0' };
  return promisify(execFile)(process.execPath, [BIN, ...argv], { env });
}

describe.skipIf(unknown)(`bfloat16 on a CPU without instructions for it${skipped}`, () => {
  it('is told at the start of a run, which records what computed', async () => {
    const out = temporaryFolder();
    const config = { ...TINY, engine: { name: 'tensorflow', precision: 'bfloat16' } };
    const path = await configFile(JSON.stringify(config));
    const { stdout, stderr } = await onAvx2('run', path, '--out', out, '--json');
    expect(stderr.match(/no instructions for bfloat16/g)).toHaveLength(1);
    const { run_dir: runDir } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as {
      run_dir: string;
    };
    const environment = JSON.parse(readFileSync(join(runDir, 'environment.json'), 'utf8'));
    expect(environment.engine).toMatchObject({ precision: 'bfloat16', onednn: '0' });
  });

  it.skipIf(limitAgainstBfloat16({ ONEDNN_MAX_CPU_ISA: 'AVX2' }) === undefined)(
    'is refused where it would end the process: oneDNN held back on a newer CPU',
    async () => {
      const path = await configFile(JSON.stringify(TINY));
      const env = { ...process.env, ONEDNN_MAX_CPU_ISA: 'AVX2', TF_ENABLE_ONEDNN_OPTS: '1' };
      const engineArgv = ['engine.name=tensorflow', 'engine.precision=bfloat16'];
      const argv = [BIN, 'run', path, ...engineArgv, '--out', temporaryFolder()];
      const refused = await promisify(execFile)(process.execPath, argv, { env }).catch(
        (error: { code: number; stderr: string }) => error,
      );
      expect(refused).toMatchObject({ code: 2 });
      expect(refused.stderr).toContain('ONEDNN_MAX_CPU_ISA=AVX2 leaves oneDNN without it.');
    },
  );

  it('is told by doctor', async () => {
    // Its exit code is for what this machine lacks.
    const { stdout } = await onAvx2('doctor').catch((error: { stdout: string }) => error);
    expect(stdout).toMatch(
      /^· CPU precisions +float32\. This CPU has no instructions for bfloat16/m,
    );
  });
});
