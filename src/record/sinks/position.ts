import { join } from 'node:path';
import { z } from 'zod';
import { SINK_KINDS, type TrackerPlace } from '../../config/sinks.js';
import { sha256 } from '../../disk/digest.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { readJson, toJson } from '../../disk/json.js';
import { Lock, type LockOptions } from '../../disk/lock.js';
import { refuseLink } from '../../disk/own-file.js';
import { isThere } from '../../disk/reading.js';
import { RethinkError, readOr } from '../../errors.js';
import { shownUrl } from '../../net/url.js';

const positionSchema = z.looseObject({
  kind: z.string(),
  url: z.string(),
  experiment: z.string(),
  /** The tracker's own id of the run. */
  run: z.string(),
  /** Of the last row that the tracker has confirmed. */
  epoch: z.int().min(0),
  step: z.int().min(0),
  /** When it was confirmed that it has everything, the result with it; `null`: not yet. */
  complete: z.iso.datetime().nullable(),
});
export type Position = z.output<typeof positionSchema>;

/** What a run directory remembers of one tracker: `sinks/<kind>-<place>/position.json`, and a lock beside it. */
export class PositionFile {
  private constructor(
    private readonly path: string,
    private readonly lock: Lock,
    private readonly place: { kind: string; url: string; experiment: string },
  ) {}

  /**
   * Takes the place among all processes that send this run there.
   *
   * @throws RethinkError: `busy` where another process sends it right now; `data` where something there is a symbolic link;
   * `failed` where the disk refuses.
   */
  static async open(
    runDir: string,
    { kind, url, experiment }: Required<TrackerPlace>,
    options: LockOptions,
  ): Promise<PositionFile> {
    const place = { kind, url: shownUrl(url), experiment };
    const mark = sha256(`${place.url} ${experiment}`).slice(0, 8);
    const folder = join(runDir, 'sinks', `${kind}-${mark}`);
    const path = join(folder, 'position.json');
    for (const part of [join(runDir, 'sinks'), folder, path]) refuseLink(part);
    ensureFolder(folder, 'run');
    try {
      return new PositionFile(path, await Lock.acquire(folder, options), place);
    } catch (error) {
      if (!(error instanceof RethinkError) || error.kind !== 'busy') throw error;
      throw new RethinkError(
        'busy',
        `Another process sends ${runDir} to ${SINK_KINDS[kind].label} right now.`,
        { hint: `It sends the rest as well. ${error.message}`, cause: error },
      );
    }
  }

  /** `null` where nothing was sent yet; a damaged one counts as none: the tracker knows. */
  read(): Position | null {
    if (!isThere(this.path)) return null;
    return readOr(() => readJson(this.path, positionSchema), null);
  }

  write(position: Pick<Position, 'run' | 'epoch' | 'step' | 'complete'>): void {
    const text = `${toJson({ ...this.place, ...position }, 2)}\n`;
    writeFileAtomic(this.path, text, 'run', () => this.lock.confirm());
  }

  /** @throws RethinkError (`lost`) where another process sends this run by now. */
  confirm(): void {
    this.lock.confirm();
  }

  close(): void {
    this.lock.release();
  }
}
