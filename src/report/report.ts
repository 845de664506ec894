import { type Claim, judgeClaims } from './claims.js';
import type { PageExamples } from './examples/index.js';
import { type FigurePlan, planFigures } from './figures/index.js';
import { type Group, groupTrainings } from './groups.js';
import { compareMeasures, type MeasuredRuns } from './measures/compare.js';
import type { Pictures } from './pictures.js';
import type { DamagedRun, ReportRun } from './runs.js';
import { choicesTable } from './tables/choices.js';
import { paperTables, type Table } from './tables/index.js';
import { damageTable, environmentTable, runsTable } from './tables/runs.js';
import { theoryTable } from './tables/theory.js';

/** What a page is made from. */
export interface ReportInput {
  runs: ReportRun[];
  /** Directories that could not be read at all. */
  damaged: DamagedRun[];
  pictures: Pictures;
  /** Single examples of runs that have ended, as far as there is room. */
  examples?: PageExamples;
  /** The page's: paths are told relative to it. */
  folder: string;
  made: Date;
}

/** What runs come to: tables, figures and verdicts, before they are drawn or written. */
export interface Report extends ReportInput {
  groups: Group[];
  plans: FigurePlan[];
  measured: MeasuredRuns[];
  claims: Claim[];
  paper: Table[];
  theory: Table;
  choices: Table;
  runsTable: Table;
  damage: Table;
  environment: Table;
}

/** Judges runs: a pure function but for `steps.csv`, which the losses of Figure 1a are read from. */
export function makeReport(input: ReportInput): Report {
  const { runs, damaged, folder } = input;
  const groups = groupTrainings(runs);
  const measured = compareMeasures(runs);
  return {
    ...input,
    groups,
    plans: planFigures(groups, input.examples, measured),
    measured,
    claims: judgeClaims(groups, runs),
    paper: paperTables(groups, runs),
    theory: theoryTable(runs),
    choices: choicesTable(runs),
    runsTable: runsTable(runs, folder),
    damage: damageTable(runs, damaged, folder),
    environment: environmentTable(runs),
  };
}
