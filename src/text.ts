/** A number as a person reads it, whatever the machine's language: `50,000`. */
export function grouped(n: number): string {
  return n.toLocaleString('en-US');
}

/** `1 run`, `2 runs`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** A fraction as people read it: `99.90 %`; a dash for one that does not apply. */
export function percent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined ? '–' : `${(fraction * 100).toFixed(2)} %`;
}
