import { ENGINES } from '../config/engines.js';
import { configHash } from '../config/hash.js';
import { locatedConfig, startedHere } from '../config/places.js';
import { portableConfig } from '../config/portable.js';
import type { Config } from '../config/resolve.js';
import { engineNeeded, needsImages, type TheoryExperiment } from '../config/theory.js';
import type { Images } from '../data/types.js';
import { ENGINE_KINDS } from '../engines/table.js';
import type { Engine } from '../engines/types.js';
import { isInterruption, messageOf, RethinkError } from '../errors.js';
import { describeEnvironment } from '../machine/environment.js';
import { RunDirectory } from '../record/run-directory.js';
import { Background } from '../record/sinks/background.js';
import type { TheoryResult } from '../results/theory.js';
import { openData, type PreparedData, prepareData, usedData } from '../setup/data.js';
import { withEngine } from '../setup/engine.js';
import type { FinishedRun, NewRunOptions, RunOptions } from '../setup/options.js';
import { THEORY_EXPERIMENTS } from './index.js';

type FinishedTheory = FinishedRun & { result: TheoryResult };

/** Runs an experiment of the theory into a new run directory, as `runExperiment` does with a training. */
export async function runTheory(
  config: Config,
  root: string,
  options: NewRunOptions,
): Promise<FinishedTheory> {
  const origin = options.origin ?? startedHere();
  return computeIn(config, locatedConfig(config, origin), options, () =>
    RunDirectory.create(root, config.name, configHash(config), {
      config: portableConfig(config),
      origin,
      source: options.source && { ...options.source, extension: `.${options.source.extension}` },
      claim: options.claim,
    }),
  );
}

/**
 * Starts an interrupted experiment over in its own directory: there is nothing in between to go on from.
 *
 * @param located The same with the places in which its data lies now.
 */
export async function resumeTheory(
  config: Config,
  located: Config,
  directory: RunDirectory,
  options: RunOptions,
): Promise<FinishedTheory> {
  options.events?.note?.(`${config.experiment} has no checkpoints: it starts over.`);
  return computeIn(config, located, options, () => directory);
}

/**
 * Computes into a run directory and closes it, whatever happens.
 *
 * @param open Called when data and engine are there.
 */
async function computeIn(
  config: Config,
  located: Config,
  options: RunOptions,
  open: () => RunDirectory,
): Promise<FinishedTheory> {
  const experiment = config.experiment as TheoryExperiment;
  const prepared: PreparedData<Images> = needsImages(experiment)
    ? await prepareData(located, options)
    : await openData(located, options);
  return withTheoryEngine(config, options, async (engine) => {
    const directory = open();
    const note = (sentence: string) => options.events?.note?.(sentence);
    const { signal } = options;
    let sinks: Background | undefined;
    try {
      directory.write('corruption', prepared.corruption);
      directory.write('environment', {
        ...(await describeEnvironment()),
        engine: engine?.info ?? null,
      });
      sinks = new Background(directory.path, config.record.sinks, { note, signal });
      const start = performance.now();
      const findings = await THEORY_EXPERIMENTS[experiment](
        {
          config,
          theory: config.theory!,
          // As its row asked for them.
          prepared: prepared as PreparedData,
          runDir: directory.path,
          confirm: () => directory.confirm(),
          options,
        },
        engine,
      );
      const result = {
        name: config.name,
        config_hash: configHash(config),
        outcome: 'finished' as const,
        ...findings,
        seconds: (performance.now() - start) / 1000,
        engine: engine?.info ?? null,
        precision:
          engineNeeded(config.experiment) === 'any' ? engine!.info.precision : ('float64' as const),
        data: usedData(prepared),
        label_noise: prepared.corruption.train.labels_changed,
      };
      directory.writeResult(result);
      directory.close('finished');
      options.events?.finished?.(result, directory.path);
      await sinks.finish();
      return { result, runDir: directory.path };
    } catch (error) {
      directory.close(isInterruption(error) ? 'interrupted' : 'failed', messageOf(error));
      throw error;
    } finally {
      sinks?.stop();
    }
  });
}

/** @throws RethinkError (`usage`) where another engine is asked for than the experiment can use. */
async function withTheoryEngine<T>(
  config: Config,
  options: RunOptions,
  use: (engine: Engine | null) => Promise<T>,
): Promise<T> {
  const needed = engineNeeded(config.experiment);
  if (needed === null) return use(null);
  if (needed === 'any') return withEngine(config, options, use);
  const able = ENGINES.filter((name) => ENGINE_KINDS[name].doubles);
  const name = able.find((name) => name === config.engine.name);
  if (config.engine.name !== 'auto' && name === undefined) {
    const right = able.join(' or ');
    throw new RethinkError(
      'usage',
      `engine.name is ${config.engine.name}, and the experiment ${config.experiment} needs ${right}: no other engine here computes in doubles.`,
      { hint: `Leave engine.name out, or set it to ${right}.` },
    );
  }
  const engine = { ...config.engine, name: name ?? able[0]! };
  return withEngine({ ...config, engine }, options, use);
}
