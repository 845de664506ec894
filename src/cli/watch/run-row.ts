import type { RunEvents } from '../../setup/events.js';
import { type TimeLeft, toldTimeLeft } from '../../sweep/forecast.js';
import { grouped, percent } from '../../text.js';
import type { Row } from './bars.js';
import { amount } from './preparing.js';

export interface RunRowOptions {
  /** Which run it is; empty: the only one. */
  label: string;
  left(): TimeLeft | undefined;
  /** Called where the row is another one than before. */
  changed(): void;
}

/** A run as a row with a bar: what is prepared for it, then its steps. */
export class RunRow {
  readonly events: RunEvents;
  /** `undefined` while there is nothing to show. */
  row: Row | undefined;
  private accuracies: string[] = [];

  constructor(private readonly options: RunRowOptions) {
    let epochs = 1;
    this.events = {
      preparing: (event) => {
        const { what, done, total } = event;
        const fraction = done / Math.max(total, done, 1);
        const told = [`${Math.floor(100 * fraction)} %`, amount(done, event)];
        const { label } = options;
        this.show(
          label === ''
            ? { label: what, fraction, fields: told }
            : { label, fraction, fields: [what, ...told] },
        );
      },
      started: (event) => {
        epochs = event.config.train.epochs;
        this.training(event.epochsDone, epochs, `epoch ${event.epochsDone}/${epochs}`, []);
      },
      steps: ({ epoch, stepInEpoch, stepsPerEpoch, loss, imagesPerSecond }) => {
        const details = [
          `loss ${loss.toPrecision(3)}`,
          `${grouped(Math.round(imagesPerSecond))} images/s`,
        ];
        const done = epoch - 1 + stepInEpoch / stepsPerEpoch;
        this.training(done, epochs, `epoch ${epoch}/${epochs}`, details);
      },
      epoch: (row) => {
        this.accuracies = [
          `train ${percent(row.train_accuracy)}`,
          `test ${percent(row.test_accuracy)}`,
        ];
      },
    };
  }

  private training(done: number, epochs: number, epoch: string, details: string[]): void {
    const left = toldTimeLeft(this.options.left());
    const fields = [epoch, ...this.accuracies, ...(left === '' ? [] : [left]), ...details];
    this.show({ label: this.options.label, fraction: done / epochs, fields });
  }

  private show(row: Row): void {
    this.row = row;
    this.options.changed();
  }
}
