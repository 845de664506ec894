import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { packImages } from '../../../src/data/shards/pack.js';
import { verifyPack } from '../../../src/data/shards/verify.js';
import { holderOf } from '../../../src/disk/lock.js';
import { bundle } from '../../helpers/child.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { plain, write } from '../helpers.js';

let child: Awaited<ReturnType<typeof bundle>>;
const started: ChildProcess[] = [];
beforeAll(async () => {
  child = await bundle('tests/data/shards/pack-child.ts');
});
afterEach(() => {
  for (const contender of started.splice(0)) contender.kill('SIGKILL');
});
afterAll(() => child.remove());

function contend(dir: string, out: string) {
  const contender = spawn(process.execPath, [child.script, dir, out]);
  started.push(contender);
  const answer = once(contender.stdout, 'data').then(([text]) => String(text).trim());
  return { contender, answer };
}

it('of processes that pack into one folder exactly one wins, and a dead one keeps nobody out', async () => {
  const dir = temporaryFolder();
  for (const name of ['train/a/1', 'train/b/1', 'test/a/1', 'test/b/1']) {
    write(join(dir, `${name}.png`), await plain(9, 9, { r: 1, g: 2, b: 3 }));
  }
  const out = temporaryFolder();
  // The second round finds the lock of the killed winner.
  for (let round = 0; round < 2; round++) {
    const all = Array.from({ length: 3 }, () => contend(dir, out));
    for (const { contender } of all) contender.stdin.write('go\n');
    const answers = await Promise.all(all.map(({ answer }) => answer));
    expect(answers.filter((answer) => answer === 'won')).toHaveLength(1);
    const winner = all[answers.indexOf('won')]!.contender;
    for (const answer of answers.filter((answer) => answer !== 'won')) {
      expect(answer).toMatch(`lost: ${out} is in use by process ${winner.pid} on `);
    }
    await Promise.all(
      all.map(({ contender }) => {
        contender.kill('SIGKILL');
        return once(contender, 'exit');
      }),
    );
    expect(holderOf(out)?.liveness).toBe('dead');
  }
  const data = { name: 'imagetree' as const, dir };
  const result = await packImages({ data, out, size: 8 });
  expect(result.present).toBe(false);
  await verifyPack(out);
  expect(readdirSync(out).sort()).toEqual(['index.json', 'test-00000.bin', 'train-00000.bin']);
}, 120_000);
