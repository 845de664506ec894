import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { CrashHarness } from './harness.js';
import { differences, type Outcome, outcomeOf } from './outcome.js';
import { runDirectories } from './process.js';

/** Whether this machine lets a process mount a small file system that no one else sees. */
function canMount(): boolean {
  const probe = 'mount -t tmpfs -o size=64k tmpfs /mnt';
  return spawnSync('unshare', ['-rm', 'sh', '-c', probe]).status === 0;
}

/** In a mount namespace of its own: a run on a file system of $KIB KiB, then a resume of it on one with room. */
const SCENARIO = `
mount -t tmpfs -o size="\${KIB}k" tmpfs "$MNT" || exit 77
"$NODE" "$BIN" run "$CONFIG" 'model.hidden=[64]' --out "$MNT" --quiet 2>"$SEEN/run.stderr"
echo $? >"$SEEN/run.code"
runDir=$(ls -d "$MNT"/crash/2* 2>/dev/null)
[ -z "$runDir" ] || cp -r "$runDir" "$SEEN/left"
mount -o remount,size=64m "$MNT" || exit 77
if [ -z "$runDir" ]; then
  "$NODE" "$BIN" run "$CONFIG" 'model.hidden=[64]' --out "$MNT" --quiet 2>"$SEEN/resume.stderr"
else
  "$NODE" "$BIN" resume "$runDir" --quiet 2>"$SEEN/resume.stderr"
fi
echo $? >"$SEEN/resume.code"
mkdir -p "$SEEN/out" && cp -r "$MNT"/crash "$SEEN/out"
`;

const mounts = canMount();
/** Of what the run needs while it writes its last checkpoint, in hundredths. */
const SIZES =
  process.env.RETHINK_GEN_TEST_KILLS === undefined
    ? [7, 95]
    : [1, 2, 4, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95];

describe(`a run on a disk that fills up${mounts ? '' : ' (skipped: no mounting here)'}`, () => {
  let harness: CrashHarness;
  let whole: Outcome;
  /** In KiB: what a run takes up at most, with a checkpoint written beside the two before, and one of them. */
  let needed: number;
  let checkpoint: number;
  beforeAll(async () => {
    if (!mounts) return;
    harness = await CrashHarness.start('wasm', 4);
    const { seen } = await scenario(100_000);
    const runDir = runDirectories(join(seen, 'out'))[0]!;
    whole = outcomeOf(runDir);
    checkpoint = statSync(join(runDir, 'checkpoints/last.safetensors')).size / 1024;
    // Without what is written when the last checkpoint is there, and the one before the last is gone.
    const later = ['examples.parquet', 'predictions.json', 'result.json'];
    const size = ['-sk', ...later.map((name) => `--exclude=${name}`), runDir];
    const { stdout } = spawnSync('du', size, { encoding: 'utf8' });
    needed = Number(stdout.split('\t')[0]) + checkpoint;
  });

  async function scenario(kib: number) {
    const [mnt, seen] = ['mnt', 'seen'].map((name) => join(harness.folder, `${name}-${kib}`));
    for (const folder of [mnt!, seen!]) mkdirSync(folder, { recursive: true });
    await promisify(execFile)('unshare', ['-rm', 'sh', '-c', SCENARIO], {
      env: {
        ...process.env,
        KIB: String(kib),
        MNT: mnt,
        SEEN: seen,
        NODE: process.execPath,
        BIN: resolve('bin/rethink-gen.js'),
        CONFIG: join(harness.folder, 'crash.json'),
      },
    });
    const read = (name: string) => readFileSync(join(seen!, name), 'utf8').trim();
    return { seen: seen!, read };
  }

  it.skipIf(!mounts).each(SIZES)(
    'that holds %i hundredths of what it needs says so, keeps its checkpoint and is resumed',
    async (hundredths) => {
      const kib = Math.ceil((needed * hundredths) / 100);
      const { seen, read } = await scenario(kib);
      expect(read('run.code')).toBe('1');
      const stderr = read('run.stderr').split('\n');
      expect(stderr).toEqual([
        expect.stringMatching(/^error: Could not \w+ \S+: no space left on the device\.$/),
        expect.stringMatching(/^hint: What was written before is intact: free some space/),
      ]);
      const last = join(seen, 'left/checkpoints/last.safetensors');
      if (kib < checkpoint) expect(existsSync(last)).toBe(false);
      // On the largest the disk is full only when a later checkpoint is written.
      if (hundredths >= 90) expect(existsSync(last)).toBe(true);
      if (existsSync(last)) expect(loadCheckpoint(last).checkpoint.progress.epoch).toBeLessThan(4);
      expect([read('resume.code'), read('resume.stderr')]).toEqual(['0', '']);
      const [runDir] = runDirectories(join(seen, 'out'));
      expect(differences(outcomeOf(runDir!), whole)).toEqual([]);
    },
    120_000,
  );
});
