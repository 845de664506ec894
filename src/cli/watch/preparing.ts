import type { Preparing } from '../../progress.js';
import { grouped } from '../../text.js';
import { megabytes } from '../show/data-report.js';

/** `76.5 MB`, `12,000 images`. */
export function amount(count: number, { unit }: Pick<Preparing, 'unit'>): string {
  return unit === 'bytes' ? megabytes(count) : `${grouped(count)} ${unit}`;
}

/** How far something is, as a line: `reading cifar10: 76.5 MB of 170.1 MB`. */
export function preparingLine(event: Preparing): string {
  const of = event.total > 0 ? ` of ${amount(event.total, event)}` : '';
  return `${event.what}: ${amount(event.done, event)}${of}`;
}
