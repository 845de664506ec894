// Run in a process of its own: installs from the folder of wheels, of which one has the given row in the table, and says whether it did or found it done.
import { PINNED } from '../../src/engines/install/pinned.js';
import { installTensorflow } from '../../src/engines/tensorflow/install.js';

PINNED.unshift(JSON.parse(process.argv[3]!));
const notes: string[] = [];
await installTensorflow(
  { variant: 'cpu', from: process.argv[2] },
  {
    note: (message) => {
      notes.push(message);
      process.stderr.write(`${message}\n`);
    },
  },
);
process.stdout.write(JSON.stringify(notes));
