/** A column of a table whose rows are printed one by one, as soon as each is there: its width is settled before. */
export interface Column<T> {
  title: string;
  width: number;
  /** Of text, to the left. */
  left?: boolean;
  cell(row: T): string;
}

/** The columns for which a terminal has room. @param spare titles of those that are left out then, the first one first */
export function columnsFor<T>(
  all: readonly Column<T>[],
  spare: readonly string[],
  width: number,
): Column<T>[] {
  let columns = [...all];
  for (const title of spare) {
    if (columns.reduce((sum, { width }) => sum + width + 2, -2) <= width) break;
    columns = columns.filter((column) => column.title !== title);
  }
  return columns;
}

/** A row, or with the titles for cells the heading. */
export function columnLine<T>(
  columns: readonly Column<T>[],
  cell: (column: Column<T>) => string,
): string {
  const cells = columns.map((column) =>
    column.left ? cell(column).padEnd(column.width) : cell(column).padStart(column.width),
  );
  return `${cells.join('  ').trimEnd()}\n`;
}
