import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { TRACKER_NAMES, type TrackerKind } from '../../../src/config/sinks.js';
import { request } from '../../../src/net/request.js';
import { exportRuns } from '../../../src/record/sinks/index.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { epochRow } from '../fake-run.js';
import { finishedRun, redo, rowsOf } from './made-runs.js';

/** The real servers, as pip installs them: each in a Python that a variable names. */
const SERVERS: Record<
  TrackerKind,
  { variable: string; start(folder: string, port: number): { args: string[]; env: object } }
> = {
  mlflow: {
    variable: 'RETHINK_GEN_TEST_MLFLOW',
    start: (folder, port) => ({
      args: `-m mlflow server --backend-store-uri sqlite:///${folder}/m.db --artifacts-destination ${folder}/artifacts --host 127.0.0.1 --port ${port} --workers 1`.split(
        ' ',
      ),
      env: {},
    }),
  },
  trackio: {
    variable: 'RETHINK_GEN_TEST_TRACKIO',
    start: (folder, port) => ({
      args: ['-c', 'import trackio; trackio.show(host="127.0.0.1", open_browser=False)'],
      env: { TRACKIO_DIR: folder, HF_HOME: folder, GRADIO_SERVER_PORT: String(port) },
    }),
  },
};

const running: ChildProcess[] = [];
afterAll(() => {
  for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
});

describe.each(TRACKER_NAMES)('the real %s', (kind) => {
  const { variable, start } = SERVERS[kind];
  const python = process.env[variable];
  const has = python && spawnSync(python, ['-c', `import ${kind}`]).status === 0;
  const why = has ? '' : ` (skipped: ${variable} names no Python with ${kind})`;

  it.skipIf(!has)(`has every row once${why}`, { timeout: 180_000 }, async () => {
    const port = await freePort();
    const token = { TRACKIO_WRITE_TOKEN: 'a-token' };
    const { args, env } = start(temporaryFolder(), port);
    const options = { env: { ...process.env, ...token, ...env }, detached: true, stdio: 'ignore' };
    running.push(spawn(python!, args, options as object));
    const origin = `http://127.0.0.1:${port}`;
    for (let up = false; !up; await sleep(500)) {
      const answer = request(origin, { offlineHint: '', redirect: 'manual' });
      up = await answer.then(
        () => true,
        () => false,
      );
    }
    Object.assign(process.env, token);
    const to = { kind, address: origin };
    const root = temporaryFolder();
    const rows = rowsOf(1, 120);
    rows[4] = { ...epochRow(5), train_loss: Number.NaN, test_loss: Number.POSITIVE_INFINITY };
    const run = finishedRun(root, rows);
    const notes: string[] = [];
    const note = (sentence: string) => notes.push(sentence);
    expect(await exportRuns([run], to, { note })).toMatchObject([{ rows: 120, before: 0 }]);
    expect(await exportRuns([run], to, { note })).toMatchObject([{ rows: 0, before: 120 }]);
    await redo(run, 100, rowsOf(101, 130));
    expect(await exportRuns([run], to, { note })).toMatchObject([{ rows: 10, before: 120 }]);
    expect(notes).toEqual([]);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
