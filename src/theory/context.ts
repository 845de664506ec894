import type { Config } from '../config/resolve.js';
import type { TheoryConfig } from '../config/theory.js';
import type { PreparedData } from '../setup/data.js';
import type { RunOptions } from '../setup/options.js';

/** What an experiment of the theory works with. */
export interface TheoryContext {
  config: Config;
  theory: TheoryConfig;
  prepared: PreparedData;
  /** The run directory, for tables. */
  runDir: string;
  options: RunOptions;
}
