import { deriveSeed } from '../random.js';
import type { Trial } from './experiment.js';
import { configHash } from './hash.js';
import type { Config } from './resolve.js';

/** One of the networks of an experiment; 0: the one that is trained on the whole training set, for comparison. */
interface Member {
  member: number;
  config: Config;
}

/**
 * The networks that an experiment is made of, each with the config of an ordinary training; none where it is no such
 * experiment.
 *
 * All have the corruption and the subset of `data.limit` in common; the part of the training set, its order and the initial
 * weights are a member's own. Nothing of a member depends on how many there are.
 */
export function membersOf(config: Config): Member[] {
  const { memorization } = config;
  if (config.experiment !== 'memorization' || memorization === undefined) return [];
  const { theory: _theory, memorization: _own, ...common } = config;
  const { sinks: _sinks, ...record } = common.record;
  const train = { ...common, record, experiment: 'train' as const };
  const { fraction, members = 0 } = memorization;
  const whole: Config = { ...train, record: { ...train.record, examples: true } };
  const parts = Array.from({ length: members }, (_, i): Member => {
    const member = i + 1;
    const init = deriveSeed(train.seeds.init, `member/${member}`);
    // What is kept of a member is what it predicts: hundreds of checkpoints and event files would fill the disk.
    const little = {
      ...record,
      steps: false,
      tensorboard: false,
      examples: false,
      checkpointEvery: 0,
    };
    const seeds = { ...train.seeds, init };
    return {
      member,
      config: { ...train, seeds, record: little, memorization: { fraction, member } },
    };
  });
  return [{ member: 0, config: whole }, ...parts];
}

/** Trials with the networks that they are made of before them: each once, and no second time where they are there. */
export function withMembers(trials: readonly Trial[]): Trial[] {
  const known = new Set(trials.map(({ config }) => configHash(config)));
  return trials.flatMap((trial) => {
    const own = membersOf(trial.config).flatMap(({ member, config }): Trial[] => {
      const hash = configHash(config);
      if (known.has(hash)) return [];
      known.add(hash);
      const key = 'memorization.member';
      return [
        {
          id: hash.slice(0, 8),
          label: [trial.label, `${key}=${member}`].filter((part) => part !== '').join(','),
          overrides: { ...trial.overrides, [key]: member },
          config,
        },
      ];
    });
    return [...own, trial];
  });
}
