import { setTimeout as sleep } from 'node:timers/promises';
import { loadExperiment } from '../../src/config/experiment.js';
import { configHash } from '../../src/config/hash.js';
import { portableConfig } from '../../src/config/portable.js';
import { RunDirectory } from '../../src/record/run-directory.js';
import { sweepOf } from '../../src/sweep/directory.js';
import type { TrialRunner } from '../../src/sweep/options.js';
import { runSweep } from '../../src/sweep/run.js';
import { epochRow, META, RESULT } from '../record/fake-run.js';
import { TINY } from './helpers.js';

/** `OUT TRIALS EPOCHS`: runs what is left of a sweep at a word on stdin, with nothing trained. */
const [out = '', trials = '', epochs = ''] = process.argv.slice(2);

const runner: TrialRunner = {
  async runExperiment(config, { claim } = {}) {
    const hash = configHash(config);
    const start = { config: portableConfig(config), claim };
    const directory = RunDirectory.create(out, config.name, hash, start);
    const recorder = directory.recorder({
      meta: META,
      steps: false,
      corruptedTestAccuracy: false,
      top5: false,
      tensorboard: false,
    });
    for (let epoch = 1; epoch <= Number(epochs); epoch++) {
      await recorder.epoch(epochRow(epoch));
      await sleep(5);
    }
    const result = { ...RESULT, name: config.name, config_hash: hash };
    directory.writeResult(result);
    directory.close('finished');
    return { result, runDir: directory.path };
  },
  resumeRun: () => Promise.reject(new Error('no run should be found half done')),
};

const experiment = await loadExperiment({ ...TINY, sweep: { seeds: Number(trials) } });
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
const records = await runSweep(sweepOf(experiment), { out, loadRunner: async () => runner });
const own = records.filter((r) => r.state === 'ended' && !r.foundEarlier).length;
process.stdout.write(`${JSON.stringify({ own, states: records.map(({ state }) => state) })}\n`);
process.exit(0);
