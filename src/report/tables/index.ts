import type { Group } from '../groups.js';
import type { ReportRun } from '../runs.js';
import { table2 } from './imagenet.js';
import { table3 } from './kernels.js';
import { table1, table4 } from './trainings.js';
import type { Table } from './types.js';

export type { Column, Row, Table } from './types.js';
export { tableCsv, tableMarkdown } from './write.js';

/** The paper's tables, held against what was run. */
export function paperTables(groups: readonly Group[], runs: readonly ReportRun[]): Table[] {
  return [table1(groups), table2(groups), table3(runs), table4(groups)];
}
