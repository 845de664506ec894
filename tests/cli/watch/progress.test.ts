import { describe, expect, it, vi } from 'vitest';
import type { CliContext } from '../../../src/cli/context.js';
import { watchRun } from '../../../src/cli/watch/progress.js';
import { loadExperiment } from '../../../src/config/experiment.js';
import type { RunStarted } from '../../../src/setup/events.js';
import { Captured, epochRow, runResult } from '../helpers.js';

describe('before a log', () => {
  it('a line comes every half minute of an epoch, and of what comes before', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { base } = await loadExperiment({ train: { epochs: 2, stop: 'never' } });
      const { engine } = runResult(base!);
      const stderr = new Captured();
      const { events } = watchRun({ stderr, env: {} } as unknown as CliContext);
      const said = () => stderr.text.trimEnd().split('\n');
      const reading = (done: number) =>
        events.preparing?.({ what: 'reading cifar10', done, total: 50_000, unit: 'images' });
      reading(0);
      for (let second = 1; second <= 45; second++) {
        vi.advanceTimersByTime(1000);
        reading(1000 * second);
      }
      expect(said()).toEqual([
        'reading cifar10 …',
        'reading cifar10: 30,000 images of 50,000 images',
      ]);
      const started: Partial<RunStarted> = {
        config: base!,
        dataset: {
          name: 'cifar10',
          height: 32,
          width: 32,
          channels: 3,
          classes: ['a'],
          counts: { train: 50_000, test: 10_000 },
          origin: 'official',
        },
        trainCount: 50_000,
        testCount: 10_000,
        parameters: 1,
        engine,
        epochsDone: 0,
      };
      events.started?.(started as RunStarted);
      for (let step = 1; step <= 360; step++) {
        vi.advanceTimersByTime(1000);
        const at = { epoch: 1, stepInEpoch: step, stepsPerEpoch: 360 };
        events.steps?.({ ...at, loss: 2.3, imagesPerSecond: 128 });
      }
      events.epoch?.(epochRow({ epoch: 1 }));
      const lines = said().slice(3);
      expect(lines).toHaveLength(13);
      expect(lines[0]).toBe('epoch 1/2  step 30/360  loss 2.30  128 images/s  12 min left');
      expect(lines[11]).toBe('epoch 1/2  step 360/360  loss 2.30  128 images/s  6 min left');
      expect(lines[12]).toMatch(/^epoch 1\/2 {2}loss 0\.0123/);
    } finally {
      vi.useRealTimers();
    }
  });
});
