import { fstatSync, writeSync } from 'node:fs';
import { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { diskError, errorCode } from '../disk/errors.js';
import type { CliContext, Output } from './context.js';
import { reportError } from './show/errors.js';

/** By the shell's convention, of what ends at a pipe whose reader has left. */
const SIGPIPE_CODE = 141;

/**
 * The process's own stream, or where that is a file another one in its place: Node's gives up for good at the first
 * refusal of the disk, and a log should go on when there is space again.
 */
export function openOutput(stream: NodeJS.WriteStream & { fd: number }): Output {
  return isFile(stream.fd) ? new FileOutput(stream.fd) : stream;
}

function isFile(fd: number): boolean {
  try {
    const found = fstatSync(fd);
    return !isatty(fd) && (found.isFile() || found.isCharacterDevice() || found.isBlockDevice());
  } catch {
    return false;
  }
}

/** Writes to a file at once; a refusal is an `error` event, and the next text is tried all the same. */
class FileOutput extends Writable {
  constructor(private readonly fd: number) {
    super({ autoDestroy: false, emitClose: false });
  }

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    try {
      // A disk that is nearly full takes only a part.
      for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
    } catch (error) {
      this.emit('error', error);
    }
    done();
  }
}

/** Watches over what is written, from now on. Messages that can't be written are dropped: nothing depends on them. */
export class WatchedOutput {
  private refusal: unknown;

  constructor(private readonly context: Pick<CliContext, 'stdout' | 'stderr' | 'env'>) {
    context.stderr.on('error', () => {});
    context.stdout.on('error', (error) => {
      this.refusal ??= error;
    });
  }

  /**
   * Waits until all is written.
   *
   * @param code Of the command.
   * @returns That, or another where results were lost: 141, quietly, for a reader that has left; else 1 and a sentence.
   */
  async exitCode(code: number): Promise<number> {
    const { stdout } = this.context;
    await new Promise<void>((done) => stdout.write('', () => done()));
    if (this.refusal === undefined) return code;
    if (errorCode(this.refusal) === 'EPIPE') return code === 0 ? SIGPIPE_CODE : code;
    reportError(diskError(this.refusal, 'write the results to', 'stdout', 'output'), this.context);
    return code === 0 ? 1 : code;
  }
}
