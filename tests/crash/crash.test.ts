import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { ensureTensorflow } from '../helpers/engine.js';
import { CrashHarness } from './harness.js';

/**
 * Real command lines that are killed, resumed and compared with one that was left alone.
 *
 * RETHINK_GEN_TEST_KILLS=N asks for N kills at random instants and one at every write boundary (`npm run test:crash`);
 * without it there are a few of each.
 */
const LONG = process.env.RETHINK_GEN_TEST_KILLS;
const KILLS = Number(LONG ?? 4);
const SEED = Number(process.env.RETHINK_GEN_TEST_SEED ?? 1);
const EPOCHS = 4;

const { skipped } = LONG === undefined ? { skipped: '' } : await ensureTensorflow();

// The compiled engine also writes TensorBoard events, and is the one that real runs use.
const engines: [engine: string, kills: number][] = [['wasm', KILLS]];
if (LONG !== undefined && skipped === '') engines.push(['tensorflow', Math.ceil(KILLS / 4)]);

describe.each(engines)(`a run on %s${skipped}`, (engine, kills) => {
  let harness: CrashHarness;
  beforeAll(async () => {
    harness = await CrashHarness.start(engine, EPOCHS);
  });

  const check = (title: string) => {
    const { figures, boundaries, seconds } = harness;
    const { differences, unreadable, ...counts } = figures;
    const line = {
      ...counts,
      differences: differences.length,
      unreadable: unreadable.length,
      boundaries,
      seconds: Number(seconds.toFixed(2)),
    };
    if (LONG !== undefined) console.log(`crash: ${title} on ${engine}: ${JSON.stringify(line)}`);
    expect({ differences, unreadable }).toEqual({ differences: [], unreadable: [] });
  };

  it('killed at a write boundary leaves what a resume makes whole', async () => {
    const all = Array.from({ length: harness.boundaries }, (_, i) => i + 1);
    // Early, in the middle, late.
    const some = [0.3, 0.55, 0.9].map((part) => Math.floor(part * harness.boundaries));
    const chosen = LONG !== undefined && engine === 'wasm' ? all : some;
    for (const boundary of chosen) await harness.killAtBoundary(boundary);
    check('each write boundary');
    expect(harness.figures.kills).toBe(chosen.length);
  }, 3_600_000);

  it('killed at random instants, while it resumes too, leaves the same', async () => {
    const random = new Random(SEED, `crash/${engine}`);
    const before = harness.figures.kills;
    // Some instants come after the end on a machine that is quicker now than it was at first.
    for (let trial = 0; harness.figures.kills - before < kills; trial++) {
      expect(trial, 'trials').toBeLessThan(20 + 3 * kills);
      await harness.killAtRandom(random);
    }
    check('random instants');
    if (LONG !== undefined) expect(harness.figures.duringResume).toBeGreaterThan(0);
  }, 3_600_000);
});
