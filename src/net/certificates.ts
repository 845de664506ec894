import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';

/** Where systems keep the certificate authorities they trust, in one file. */
const SYSTEM_BUNDLES = [
  // Debian, Ubuntu, Alpine, Arch
  '/etc/ssl/certs/ca-certificates.crt',
  // Fedora, RHEL
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/pki/tls/certs/ca-bundle.crt',
  // SUSE
  '/etc/ssl/ca-bundle.pem',
  '/var/lib/ca-certificates/ca-bundle.pem',
  // macOS, BSD
  '/etc/ssl/cert.pem',
];

/** Variables that name more of them for OpenSSL, Python, pip, curl and Node: a file, or folders of files. */
export const CERTIFICATE_VARIABLES = [
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'NODE_EXTRA_CA_CERTS',
] as const;

/** The largest known bundle has a quarter of this. */
const LARGEST_FILE = 4 * 2 ** 20;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificate authorities that are trusted, as PEM, each once: Node's own, the system's, and those that environment
 * variables name. What can't be read is left out, as OpenSSL does: what is then not trusted is told by the connection.
 *
 * @param more Further files or folders.
 */
export function trustedCertificates(
  more: readonly string[] = [],
  env: NodeJS.ProcessEnv = process.env,
): string[] {
  const named = CERTIFICATE_VARIABLES.flatMap((name) => (env[name] ?? '').split(':'));
  const files = [...SYSTEM_BUNDLES, ...named, ...more]
    .filter((path) => path !== '')
    .flatMap(filesOf);
  const found = new Map<string, string>();
  for (const pem of [...rootCertificates, ...[...new Set(files)].flatMap(certificatesIn)]) {
    const body = pem.replace(/\s|-----[A-Z ]+-----/g, '');
    if (!found.has(body) && isCertificate(pem)) found.set(body, pem);
  }
  return [...found.values()];
}

function filesOf(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [path];
  try {
    return readdirSync(path).map((name) => join(path, name));
  } catch {
    return [];
  }
}

function certificatesIn(path: string): string[] {
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > LARGEST_FILE) return [];
    return readFileSync(path, 'latin1').match(CERTIFICATE) ?? [];
  } catch {
    return [];
  }
}

/** One that OpenSSL can't parse would make it refuse all the others, too. */
function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
