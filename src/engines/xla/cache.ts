import { createHash } from 'node:crypto';
import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../../disk/digest.js';
import { ensureFolder, writeFileAtomic } from '../../disk/files.js';
import { messageOf } from '../../errors.js';
import { cacheRoot } from '../../machine/cache-folder.js';
import type { Executable, PjrtClient } from './pjrt/client.js';
import { explained } from './pjrt/probe.js';

/** Compiled programs kept on disk; the least recently used go first. */
const KEPT_PROGRAMS = 64;
const CHECKSUM_BYTES = 32;

export interface CompiledProgram {
  executable: Executable;
  /** Whether it came from the disk. */
  cached: boolean;
}

/** Compiled programs below `$XDG_CACHE_HOME/rethink-gen/xla`. */
export class ProgramCache {
  readonly folder = join(cacheRoot(), 'xla');

  /**
   * @param identity what a compiled program depends on beside its text: see {@link clientIdentity}
   * @param note told when a program can't be kept: the run goes on without
   */
  constructor(
    private readonly client: PjrtClient,
    private readonly identity: string,
    private readonly note: (message: string) => void,
  ) {}

  /** The program, from the disk if it is there and whole, else compiled and kept. */
  async compile(text: string, options: Buffer): Promise<CompiledProgram> {
    const path = this.pathOf(text, options);
    const known = await this.read(path);
    if (known !== undefined) return { executable: known, cached: true };
    const { client } = this;
    const executable = await client.compile(text, options).catch(async (error: unknown) => {
      throw await explained(error, async (probe) =>
        (await client.compile(probe, options)).destroy(),
      );
    });
    await this.write(path, executable);
    return { executable, cached: false };
  }

  pathOf(text: string, options: Buffer): string {
    const key = createHash('sha256');
    for (const part of [this.identity, options, text]) {
      key.update(`${part.length}:`).update(part);
    }
    return join(this.folder, `${key.digest('hex')}.bin`);
  }

  private async read(path: string): Promise<Executable | undefined> {
    const file = await readFile(path).catch(() => undefined);
    if (file === undefined) return undefined;
    const bytes = file.subarray(CHECKSUM_BYTES);
    try {
      // XLA trusts what it is given: bytes that are not ours must not reach it.
      if (sha256(bytes) !== file.toString('hex', 0, CHECKSUM_BYTES)) throw new Error('damaged');
      const executable = await this.client.deserialize(bytes);
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return executable;
    } catch {
      // Damaged, or of a version that refuses it: compiled again and written anew.
      await rm(path, { force: true }).catch(() => undefined);
      return undefined;
    }
  }

  private async write(path: string, executable: Executable): Promise<void> {
    try {
      const bytes = executable.serialize();
      ensureFolder(this.folder, 'engine');
      writeFileAtomic(path, [Buffer.from(sha256(bytes), 'hex'), bytes], 'engine');
      await this.prune();
    } catch (error) {
      this.note(
        `The compiled program could not be kept: the next run compiles it again. ${messageOf(error)}`,
      );
    }
  }

  private async prune(): Promise<void> {
    const paths = (await readdir(this.folder)).map((name) => join(this.folder, name));
    if (paths.length <= KEPT_PROGRAMS) return;
    const dated = await Promise.all(
      // Another process may prune at the same time.
      paths.map(async (path) => ({
        path,
        time: await stat(path).then(
          (s) => s.mtimeMs,
          () => 0,
        ),
      })),
    );
    dated.sort((a, b) => b.time - a.time);
    await Promise.all(dated.slice(KEPT_PROGRAMS).map(({ path }) => rm(path, { force: true })));
  }
}

/**
 * What makes compiled programs differ beside their text and options: plugin, library, device. A CPU's program holds its
 * machine code, so the processor counts too; a GPU's the kernels that were chosen among those of NVIDIA's libraries.
 *
 * @param libraries what tells the versions of the driver and of the libraries that the plugin uses
 */
export async function clientIdentity(
  client: PjrtClient,
  libraries: readonly string[] = [],
): Promise<string> {
  const { size, mtimeMs } = await stat(client.api.path);
  const { major, minor } = client.api.version;
  return JSON.stringify([
    client.platform,
    client.platformVersion,
    client.deviceKind,
    `${major}.${minor}`,
    size,
    mtimeMs,
    cpus()[0]?.model ?? '',
    process.env.XLA_FLAGS ?? '',
    ...libraries,
  ]);
}
