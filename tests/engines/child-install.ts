// Run in a process of its own: installs from the folder of wheels, and says whether it did or found it done.
import { installTensorflow } from '../../src/engines/tensorflow/install.js';

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
