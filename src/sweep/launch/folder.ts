import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { launcherSchema } from '../../config/launcher.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { readJson, toJson } from '../../disk/json.js';
import { refuseLink } from '../../disk/own-file.js';
import type { ErrorReport } from '../../errors.js';

/** What was handed to a scheduler at once. */
const submissionSchema = z.object({
  /** UTC, and the name of its folder. */
  id: z.string().regex(/^[0-9TZ-]+$/),
  launcher: launcherSchema,
  /** Trials of each task, by their ids. */
  tasks: z.array(z.array(z.string()).min(1)).min(1),
  /** Arrays of Slurm: tasks from `first` on, `count` of them. Those not yet submitted are missing. */
  arrays: z.array(z.object({ job: z.string(), first: z.int().min(0), count: z.int().min(1) })),
  /** The job behind all of them, which writes the table. */
  last: z.string().nullable(),
});
export type Submission = z.output<typeof submissionSchema>;

const failureSchema = z.object({
  error: z.object({
    kind: z.enum(['failed', 'usage', 'data', 'diverged', 'interrupted']),
    message: z.string(),
    hint: z
      .string()
      .optional()
      .transform((hint) => hint),
    bug: z.boolean(),
  }),
  run_dir: z.string().nullable(),
});
export interface Failure {
  error: ErrorReport;
  runDir: string | null;
}

/**
 * What lies under `launch/` in the folder of a sweep: a folder for each submission with its script and its tasks, a log for
 * each trial, and the reason for each that failed.
 */
export class LaunchFolder {
  /** The folder of the sweep, absolute. */
  readonly sweep: string;
  private readonly path: string;

  constructor(sweep: string) {
    this.sweep = resolve(sweep);
    this.path = join(this.sweep, 'launch');
  }

  /** What the sweep is called. */
  get name(): string {
    return basename(this.sweep);
  }

  /** Its path, where it now is if it wasn't before. */
  made(): string {
    this.make(this.path);
    return this.path;
  }

  /** The folder of a submission. */
  folderOf(id: string): string {
    return join(this.path, id);
  }

  writeSubmission(submission: Submission): void {
    const folder = this.folderOf(submission.id);
    this.make(folder);
    writeFileAtomic(join(folder, 'submission.json'), `${toJson(submission, 2)}\n`);
  }

  forgetSubmission(id: string): void {
    rmSync(this.folderOf(id), { recursive: true, force: true });
  }

  /** @throws RethinkError (`data`) where it is missing or damaged. */
  readSubmission(id: string): Submission {
    const path = join(this.path, id, 'submission.json');
    refuseLink(path);
    return readJson(path, submissionSchema);
  }

  /** Oldest first. */
  submissions(): Submission[] {
    return this.names('.').flatMap((id) =>
      existsSync(join(this.path, id, 'submission.json')) ? [this.readSubmission(id)] : [],
    );
  }

  /** Where a trial's own log goes; several tries write one behind the other. */
  logOf(trial: string): string {
    this.make(join(this.path, 'logs'));
    return join(this.path, 'logs', `${trial}.log`);
  }

  noteFailure(trial: string, { error, runDir }: Failure): void {
    this.make(join(this.path, 'failed'));
    writeFileAtomic(this.failurePath(trial), `${toJson({ error, run_dir: runDir }, 2)}\n`);
  }

  /** Forgets why a trial failed: it is tried again. */
  forgetFailure(trial: string): void {
    rmSync(this.failurePath(trial), { force: true });
  }

  failures(): Map<string, Failure> {
    const ids = this.names('failed').flatMap((name) =>
      /^[0-9a-f]+\.json$/.test(name) ? [name.slice(0, -5)] : [],
    );
    return new Map(
      ids.map((id) => {
        const { error, run_dir } = readJson(this.failurePath(id), failureSchema);
        return [id, { error, runDir: run_dir }];
      }),
    );
  }

  private failurePath(trial: string): string {
    return join(this.path, 'failed', `${trial}.json`);
  }

  private make(folder: string): void {
    refuseLink(this.path);
    refuseLink(folder);
    ensureFolder(folder);
  }

  private names(folder: string): string[] {
    refuseLink(this.path);
    const path = join(this.path, folder);
    return existsSync(path) ? readdirSync(path).sort() : [];
  }
}
