import type { LineChart } from '../charts/lines.js';

/** A figure before it is drawn. */
export interface FigurePlan {
  /** Names its files. */
  id: string;
  /** Of the paper's figure it belongs to, or of a kind of our own. */
  part: '1a' | '1b' | '1c' | '2a' | '2b' | 'loss' | 'curves';
  title: string;
  /** Plain sentences: what is seen, under which conditions, what bands and symbols mean. */
  caption: string;
  chart: LineChart;
}
