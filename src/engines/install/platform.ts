import { wheelArch } from './pinned.js';

/**
 * Why no wheel's libraries can run on this machine, as the end of a sentence; `undefined` where they can.
 *
 * @param what The libraries: `TensorFlow's libraries`.
 */
export function wheelProblem(what: string): string | undefined {
  if (process.platform !== 'linux' || wheelArch() === undefined) {
    return `${what} are for Linux on x64 and arm64, and this is ${process.platform} ${process.arch}`;
  }
  const glibc = glibcVersion();
  if (glibc === undefined) return `${what} need glibc, and this system has another C library`;
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 27)) {
    return `${what} need glibc 2.27, and this system has ${glibc}`;
  }
  return undefined;
}

let known: string | null | undefined;

function glibcVersion(): string | undefined {
  if (known === undefined) {
    // Without this a report may look up the names of all open connections, which takes seconds.
    Object.assign(process.report, { excludeNetwork: true });
    const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
    known = report.header?.glibcVersionRuntime ?? null;
  }
  return known ?? undefined;
}
