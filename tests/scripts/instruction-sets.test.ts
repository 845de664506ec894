import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { write } from '../data/helpers.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { program, SCRIPTS, start } from './helpers.js';

/** A runner that prints what it was given as vitest prints its counts, and fails under AVX. */
const RUNNER = `#!/usr/bin/env bash
echo " Test Files  2 passed (2)"
echo "      Tests  isa=\${ONEDNN_MAX_CPU_ISA-} opts=\${TF_ENABLE_ONEDNN_OPTS-} args=$*"
[ "\${ONEDNN_MAX_CPU_ISA-}" != AVX ] || { echo " FAIL  tests/a.test.ts > adds"; exit 1; }
`;

function run(flags: string) {
  const folder = temporaryFolder();
  const cpuinfo = join(folder, 'cpuinfo');
  write(cpuinfo, `processor\t: 0\nflags\t\t: fpu ${flags}\n\nprocessor\t: 1\nflags\t\t: fpu\n`);
  const env = {
    PATH: process.env.PATH,
    TMPDIR: folder,
    VITEST: program(join(folder, 'vitest'), RUNNER),
    CPUINFO: cpuinfo,
    // Not the setting of any of its runs.
    ONEDNN_MAX_CPU_ISA: 'AVX2_VNNI',
  };
  return start(join(SCRIPTS, 'test-instruction-sets.sh'), ['tests/a', '-t', 'b c'], { env }).ended;
}

describe('test-instruction-sets.sh', () => {
  it('runs the tests under every setting that the CPU can do, and says which it can’t', async () => {
    const { code, stdout, stderr } = await run('sse4_1 avx2');
    const counts = (isa: string, opts: number) =>
      `passed: Test Files 2 passed (2), Tests isa=${isa} opts=${opts} args=run tests/a -t b c`;
    expect(stdout.trimEnd().split('\n')).toEqual([
      `TF_ENABLE_ONEDNN_OPTS=0: ${counts('', 0)}`,
      `TF_ENABLE_ONEDNN_OPTS=1: ${counts('', 1)}`,
      `ONEDNN_MAX_CPU_ISA=SSE41 TF_ENABLE_ONEDNN_OPTS=1: ${counts('SSE41', 1)}`,
      "ONEDNN_MAX_CPU_ISA=AVX: left out, this CPU can't (avx)",
      `ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=1: ${counts('AVX2', 1)}`,
      "ONEDNN_MAX_CPU_ISA=AVX512_CORE: left out, this CPU can't (avx512f avx512bw avx512vl avx512dq)",
    ]);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('goes on after tests that fail, names them and their log, and ends with 1', async () => {
    const { code, stdout } = await run('sse4_1 avx avx2');
    expect(code).toBe(1);
    const lines = stdout.trimEnd().split('\n');
    const at = lines.findIndex((line) => line.includes('FAILED'));
    expect(lines[at]).toContain(
      'ONEDNN_MAX_CPU_ISA=AVX TF_ENABLE_ONEDNN_OPTS=1: FAILED: Test Files',
    );
    expect(lines[at + 1]).toBe('  tests/a.test.ts > adds');
    const log = lines[at + 2]!.replace('  log: ', '');
    expect(existsSync(log)).toBe(true);
    expect(lines[at + 3]).toContain('ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=1: passed');
  });
});
