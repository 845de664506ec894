import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { loadCheckpoint } from '../../src/record/checkpoint.js';
import { readMetrics, readSteps } from '../../src/record/rows.js';
import { readResult } from '../../src/record/runs.js';
import { readStatus } from '../../src/record/status.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { anatomy, forge, saved } from '../record/forge.js';
import { mutated, mutatedText } from './mutate.js';
import { survives } from './survive.js';

const folder = temporaryFolder();
const piece = fc.oneof(
  fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\n', '-', '1e999', 'null', '"F64"', '[0,0]'),
  fc.constantFrom('__metadata__', 'param/x', 'data_offsets', 'shape', '9007199254740993', '\u0000'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

describe('readers of run directories', () => {
  it('checkpoints', async () => {
    const { bytes } = saved();
    const { header, data } = anatomy(bytes);
    const path = join(folder, 'last.safetensors');
    const text = JSON.stringify(header);
    const size = fc.oneof(fc.constant(data.length), fc.nat(data.length));
    const forged = fc.tuple(fc.oneof(fc.constant(text), mutatedText(text, piece)), size);
    const inputs = fc.oneof(
      mutated(bytes).map((content) => ({ content })),
      forged.map(([text, size]) => ({ text, size })),
    );
    await survives('checkpoints', inputs, (input) => {
      if ('content' in input) writeFileSync(path, input.content);
      else forge(path, input.text, data.subarray(0, input.size));
      loadCheckpoint(path);
    });
  }, 3_600_000);

  it('tables and JSON files', async () => {
    const csv =
      'epoch,step,seconds,images_per_second,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,generalization_gap,true_label_accuracy,corrupted_accuracy,clean_accuracy,weight_norm\n1,2,0.5,100,0.1,2.3,0.1,2.3,0.1,0,0.1,,1,3\n2,4,1,100,0.1,NaN,0.2,2.2,0.1,0.1,0.1,,1,3\n';
    const steps = 'step,epoch,learning_rate,loss,accuracy\n1,1,0.1,2.3,0.5\n2,1,0.1,Infinity,0.5\n';
    const status =
      '{"state":"running","reason":null,"heartbeat":"2026-11-24T10:15:00.000Z","host":"h","pid":1,"epoch":1,"step":2}';
    const inputs = fc.oneof(
      mutatedText(csv, piece).map((text) => ['metrics.csv', text] as const),
      mutatedText(steps, piece).map((text) => ['steps.csv', text] as const),
      mutatedText(status, piece).map((text) => ['status.json', text] as const),
      mutatedText(status, piece).map((text) => ['result.json', text] as const),
    );
    const readers = {
      'metrics.csv': () => [...readMetrics(folder)],
      'steps.csv': () => [...readSteps(folder)],
      'status.json': () => readStatus(folder),
      'result.json': () => readResult(folder),
    };
    await survives('tables and JSON files', inputs, ([name, text]) => {
      writeFileSync(join(folder, name), text);
      readers[name]();
    });
  }, 3_600_000);
});
