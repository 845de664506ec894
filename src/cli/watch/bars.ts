import cliProgress from 'cli-progress';
import { widthOf } from '../../text.js';

/** A line that is drawn anew: what it is of, how much is done, and what is to be said, the most important first. */
export interface Row {
  label: string;
  /** 0…1. */
  fraction: number;
  fields: string[];
}

const { Format, Presets } = cliProgress;
const { barCompleteChar, barIncompleteChar } = Presets.shades_classic as {
  barCompleteChar: string;
  barIncompleteChar: string;
};
const WIDEST_BAR = 30;
const SMALLEST_BAR = 8;
/** The widest bar, whole and empty, of which one is cut. */
const STRIPS = {
  barCompleteString: barCompleteChar.repeat(WIDEST_BAR),
  barIncompleteString: barIncompleteChar.repeat(WIDEST_BAR),
  barGlue: '',
};
/** A label is shown as far as this before fields go, and cut further only after them. */
const WANTED_LABEL = 30;
const SMALLEST_LABEL = 12;
/** Of the fields, those that a narrow terminal still shows: where it stands, and both accuracies. */
const KEPT_FIELDS = 3;

/**
 * Rows as lines of one width: labels, bars, fields. Where that is too wide, the last fields go first, then a part of the
 * labels, then the bars; numbers stay whole.
 */
export function barLines(rows: readonly Row[], width: number): string[] {
  const labels = Math.max(0, ...rows.map(({ label }) => widthOf(label)));
  const most = Math.max(0, ...rows.map(({ fields }) => fields.length));
  const text = (count: number) =>
    Math.max(0, ...rows.map(({ fields }) => widthOf(fields.slice(0, count).join('  '))));
  // A label and a bar are followed by a blank each.
  const least = (labels === 0 ? 0 : Math.min(labels, WANTED_LABEL) + 1) + SMALLEST_BAR + 1;
  let count = most;
  while (count > KEPT_FIELDS && least + text(count) > width) count--;
  const room = width - text(count);
  const labelWidth = Math.min(labels, Math.max(SMALLEST_LABEL, room - SMALLEST_BAR - 2));
  const left = room - (labels === 0 ? 0 : labelWidth + 1) - 1;
  const bar = left < SMALLEST_BAR ? 0 : Math.min(WIDEST_BAR, left);
  return rows.map(({ label, fraction, fields }) => {
    const done = Math.min(1, Math.max(0, fraction));
    const parts = [
      ...(labels === 0 ? [] : [padded(end(label, labelWidth), labelWidth)]),
      ...(bar === 0 ? [] : [Format.BarFormat(done, { ...STRIPS, barsize: bar })]),
      fields.slice(0, count).join('  '),
    ];
    return start(parts.join(' ').trimEnd(), width);
  });
}

/** The end of a label tells trials apart better than its beginning. */
function end(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = text;
  while (widthOf(shown) >= width) shown = [...shown].slice(1).join('');
  return `…${shown}`;
}

function start(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let shown = text;
  while (widthOf(shown) >= width) shown = [...shown].slice(0, -1).join('');
  return `${shown}…`;
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}
