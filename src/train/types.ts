import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { HostState } from '../engines/types.js';
import type { EpochRow, Progress, StepRow } from '../results/training.js';
import type { Evaluation } from './evaluate.js';

/** The loss of each example, [batch], as a function of logits [batch, classes] and labels [batch]. */
export type ExampleLoss = (logits: Tensor2D, labels: Tensor1D) => Tensor1D;

/** A loss that remembers of every training example what the network has said of it. */
export interface RememberingLoss {
  /**
   * What is remembered from now on of the examples of a batch, [batch, classes], by what was: zeros at first. Nothing is
   * differentiated through it.
   */
  remember(logits: Tensor2D, last: Tensor2D): Tensor2D;
  /** The loss of each example, [batch], by what is remembered from now on. */
  of(logits: Tensor2D, labels: Tensor1D, remembered: Tensor2D): Tensor1D;
}

export type TrainingLoss = ExampleLoss | RememberingLoss;

export interface Checkpoint {
  state: HostState;
  progress: Progress;
}

/** What the loop tells whoever watches: progress bars, logs, the run directory. Calls are made in order. */
export interface Recorder {
  steps(rows: StepRow[]): void | Promise<void>;
  /** What an epoch's row will be of, training example by training example; called before it. */
  examples?(epoch: number, evaluation: Evaluation): void | Promise<void>;
  epoch(row: EpochRow): void | Promise<void>;
  /** Called at the end of an epoch that is due, and before an interrupted loop returns. */
  checkpoint(checkpoint: Checkpoint, isBest: boolean): void | Promise<void>;
}
