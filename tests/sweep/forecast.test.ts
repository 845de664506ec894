import { describe, expect, it } from 'vitest';
import { epochsNeeded } from '../../src/sweep/epochs-needed.js';
import {
  Forecast,
  type TrialState,
  timeLeftOf,
  timeLeftOfAll,
  toldTimeLeft,
} from '../../src/sweep/forecast.js';
import { epochRow, runResult } from '../cli/helpers.js';
import { sweep } from './helpers.js';

const TRAIN = { epochs: 120, stop: { accuracy: 1, patience: 2 }, evaluateEvery: 1 };

const course = (accuracies: number[], examples = 2000) => ({
  points: accuracies.map((accuracy, i) => ({ epoch: i + 1, accuracy })),
  examples,
});
/** Accuracy after each epoch of a network whose log odds rise evenly. */
const even = (epochs: number, slope: number, from = -2.2) =>
  Array.from({ length: epochs }, (_, i) => 1 / (1 + Math.exp(-(from + slope * i))));

describe('epochs needed', () => {
  it('are all of them where training never stops early, for certain', () => {
    expect(epochsNeeded(course([]), { ...TRAIN, stop: null })).toEqual({
      epochs: 120,
      atMost: false,
    });
  });

  it.each([
    ['nothing is evaluated yet', []],
    ['two points could be chance', [0.1, 0.3]],
    ['accuracy does not rise', [0.1, 0.11, 0.1, 0.09, 0.1, 0.11]],
    ['it wavers more than it rises', [0.1, 0.14, 0.1, 0.15, 0.11]],
    ['it falls', [0.9, 0.8, 0.7]],
    ['it rises too slowly for the epochs there are', even(10, 0.01)],
  ])('are at most all where %s', (_, accuracies) => {
    expect(epochsNeeded(course(accuracies), TRAIN)).toEqual({ epochs: 120, atMost: true });
  });

  it('follow from how fast training accuracy rises, the better the longer it is known', () => {
    // From log odds of -2.2, 0.7 an epoch: one wrong of 2,000 is at 8.3, in epoch 16.
    const whole = even(16, 0.7);
    for (const seen of [4, 8, 12]) {
      const { epochs, atMost } = epochsNeeded(course(whole.slice(0, seen)), TRAIN);
      expect(atMost).toBe(false);
      expect(epochs).toBeGreaterThanOrEqual(16);
      expect(epochs).toBeLessThanOrEqual(18);
    }
  });

  it('learn from the last epochs where the pace changes', () => {
    const slow = even(10, 0.05);
    const fast = even(5, 1, -1.6);
    const { epochs, atMost } = epochsNeeded(course([...slow, ...fast]), TRAIN);
    expect(atMost).toBe(false);
    expect(epochs).toBeLessThan(24);
  });

  it('count what is left of the patience once the accuracy is reached', () => {
    expect(epochsNeeded(course([0.5, 0.9, 1]), TRAIN)).toEqual({ epochs: 4, atMost: false });
    expect(epochsNeeded(course([0.5, 0.9, 1, 1]), TRAIN)).toEqual({ epochs: 4, atMost: false });
    const lower = { ...TRAIN, stop: { accuracy: 0.9, patience: 3 } };
    expect(epochsNeeded(course([0.5, 0.95]), lower)).toEqual({ epochs: 4, atMost: false });
  });

  it('come in whole evaluations, and never before the next one', () => {
    const train = { ...TRAIN, evaluateEvery: 5 };
    const points = even(4, 3).map((accuracy, i) => ({ epoch: 5 * (i + 1), accuracy }));
    const { epochs } = epochsNeeded({ points, examples: 2000 }, train);
    expect([epochs % 5, epochs > 20]).toEqual([0, true]);
  });
});

const waiting: TrialState = {
  overrides: {},
  train: TRAIN,
  state: 'waiting',
  done: 0,
  course: course([]),
  secondsPerEpoch: undefined,
};
const ended = (epochs: number, overrides: object, secondsPerEpoch = 1): TrialState => ({
  ...waiting,
  overrides: { ...overrides },
  state: 'ended',
  done: epochs,
  secondsPerEpoch,
});

describe('time left', () => {
  it('is nothing that anybody knows before something was measured', () => {
    expect(timeLeftOf(waiting, [waiting])).toBeUndefined();
    expect(timeLeftOfAll([waiting], 1)).toBeUndefined();
  });

  it('counts all epochs, as a bound, where nothing tells how many are needed', () => {
    const running: TrialState = { ...waiting, state: 'running', done: 20, secondsPerEpoch: 2 };
    expect(timeLeftOf(running, [running])).toEqual({ seconds: 200, atMost: true });
    expect(timeLeftOfAll([running, waiting], 1)).toEqual({ seconds: 440, atMost: true });
  });

  it('takes the epochs of those that differ in their seeds before those that differ in more', () => {
    const like = ended(20, { 'corruption.kind': 'none', seed: 0 }, 3);
    const unlike = ended(60, { 'corruption.kind': 'gaussian', seed: 1 }, 1);
    const trial = { ...waiting, overrides: { 'corruption.kind': 'none', seed: 1 } };
    expect(timeLeftOf(trial, [like, unlike, trial])).toEqual({ seconds: 60, atMost: false });
  });

  it('does not believe the others once a trial has gone beyond them', () => {
    const other = ended(20, {});
    const slower: TrialState = { ...waiting, state: 'running', done: 30, secondsPerEpoch: 1 };
    expect(timeLeftOf(slower, [other, slower])).toEqual({ seconds: 90, atMost: true });
  });

  it('of all trials is that of the slot that is busy longest', () => {
    const running = (done: number): TrialState => ({
      ...waiting,
      train: { ...TRAIN, epochs: 10, stop: null },
      state: 'running',
      done,
      secondsPerEpoch: 1,
    });
    const next = { ...running(0), state: 'waiting' as const, secondsPerEpoch: undefined };
    // 2 and 9 s are left of those under way; of the next ones two go to the first slot, one to the other.
    expect(timeLeftOfAll([running(8), running(1), next, next, next], 2)).toEqual({
      seconds: 22,
      atMost: false,
    });
  });

  it('is told as roughly as it is known', () => {
    expect(toldTimeLeft(undefined)).toBe('');
    expect(toldTimeLeft({ seconds: 20.4, atMost: false })).toBe('20 s left');
    expect(toldTimeLeft({ seconds: 3000, atMost: true })).toBe('at most 50 min left');
    expect(toldTimeLeft({ seconds: 7500, atMost: false })).toBe('2 h 5 min left');
  });
});

describe('a forecast', () => {
  it('learns from the events of trials and from results of earlier runs', async () => {
    const { trials } = await sweep({ seeds: 4 }, { train: { ...TRAIN, epochs: 120 } });
    let now = 0;
    const forecast = new Forecast(trials, () => now);
    const [first, second, third, fourth] = trials as [(typeof trials)[0], ...typeof trials];
    expect(forecast.left()).toBeUndefined();
    const seen: number[] = [];
    const events = forecast.observe(first, { epoch: ({ epoch }) => seen.push(epoch) });
    const started = { config: first.config, trainCount: 2000, epochsDone: 0 };
    events.started?.(started as Parameters<NonNullable<typeof events.started>>[0]);
    for (const [i, accuracy] of even(4, 0.7).entries()) {
      now += 1000;
      events.epoch?.(epochRow({ epoch: i + 1, train_accuracy: accuracy }));
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    const own = forecast.leftOf(first)!;
    expect(own.atMost).toBe(false);
    // The others are expected to take as many epochs, and one fewer where one failed.
    expect(forecast.left()!.seconds).toBeCloseTo(4 * own.seconds + 3 * 4, 6);
    forecast.leaveOut(fourth!);
    const run = { result: runResult(second!.config, { epochs: 10, seconds: 30 }), runDir: 'd' };
    forecast.ended({ trial: second!, state: 'ended', foundEarlier: true, ...run });
    now += 12_000;
    forecast.ended({
      trial: first,
      state: 'ended',
      foundEarlier: false,
      ...run,
      result: runResult(first.config, { epochs: 16 }),
    });
    // 16 epochs of 1 s each and 10 of 3 s: 13 of 2 s.
    expect(forecast.leftOf(third!)).toEqual({ seconds: 26, atMost: false });
    expect(forecast.left()).toEqual({ seconds: 26, atMost: false });
  });

  it('keeps an interrupted trial as far as it is', async () => {
    const { trials } = await sweep({ seeds: 1 });
    let now = 0;
    const forecast = new Forecast(trials, () => now);
    const [trial] = trials as [(typeof trials)[0]];
    const events = forecast.observe(trial, {});
    const step = { loss: 1, imagesPerSecond: 1, epoch: 1, stepInEpoch: 1, stepsPerEpoch: 2 };
    now = 5000;
    events.steps?.(step);
    const result = runResult(trial.config, { outcome: 'interrupted', epochs: 0 });
    forecast.ended({ trial, state: 'ended', foundEarlier: false, result, runDir: 'd' });
    // A half of two epochs in 5 s.
    expect(forecast.left()).toEqual({ seconds: 15, atMost: false });
  });
});
