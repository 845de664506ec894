import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Commands of Slurm that write down how they were called, and say what a test wants. */
export class FakeSlurm {
  readonly bin: string;

  /** @param answers Shell of each command; `$n` counts the calls of sbatch from 1. */
  constructor(
    private readonly folder: string,
    answers: Partial<Record<'sbatch' | 'scontrol' | 'squeue' | 'scancel', string>> = {},
  ) {
    this.bin = join(folder, 'bin');
    mkdirSync(this.bin, { recursive: true });
    const all = {
      sbatch: 'case "$*" in *--test-only*) ;; *) echo "$((100 + n))" ;; esac',
      scontrol: 'echo "MaxArraySize            = 1001"',
      squeue: '',
      scancel: '',
      ...answers,
    };
    for (const [name, shell] of Object.entries(all)) {
      const path = join(this.bin, name);
      const calls = join(folder, 'calls');
      writeFileSync(
        path,
        `#!/bin/sh\necho "${name} $*" >> ${calls}\nn=$(grep '^sbatch' ${calls} | grep -vc test-only)\n${shell}\n`,
      );
      chmodSync(path, 0o755);
    }
  }

  /** How it was called, call by call. */
  get calls(): string[] {
    const path = join(this.folder, 'calls');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** Runs something while these commands are on the path, and perhaps nothing else. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const before = process.env.PATH;
    process.env.PATH = `${this.bin}:${before}`;
    try {
      return await work();
    } finally {
      process.env.PATH = before;
    }
  }
}
