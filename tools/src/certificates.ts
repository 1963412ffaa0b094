/** Certificates for tests, made with the system's openssl: an authority and what it signs, and self-signed ones. */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from './servers/process.ts'

const run = promisify(execFile)

/** PEM, both. */
export interface Certificate {
  cert: string
  key: string
}

export interface CertificateOptions {
  /** As openssl writes it: `/CN=a/O=b`. */
  subject: string
  /** As openssl writes it: `DNS:a.example,IP:127.0.0.1`. */
  subjectAltName?: string
  /** Names one by one, which may hold what openssl takes for a separator: `URI:https://a.example/,b`. */
  subjectAltNames?: readonly string[]
  /** Default: an elliptic curve. */
  rsa?: boolean
}

export interface CertificateAuthority {
  /** PEM, for those who shall trust it. */
  cert: string
  /** A certificate for a server or a client. */
  issue(options: CertificateOptions): Promise<Certificate>
  /** An authority below this one: what it signs is trusted together with its own certificate. */
  subordinate(name: string): Promise<CertificateAuthority>
  remove(): Promise<void>
}

const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
const rsa = ['-newkey', 'rsa:2048']

/** @throws Error where openssl is not installed */
export async function createCertificateAuthority(name = 'Test'): Promise<CertificateAuthority> {
  return signedBy(name, [])
}

async function signedBy(name: string, superior: readonly string[]): Promise<CertificateAuthority> {
  const folder = await temporaryFolder('certificates')
  const extensions = ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign']
  const { path, certificate } = await create(folder.path, ['-subj', `/CN=${name}`, ...ec, ...superior], extensions)
  const signer = ['-CA', `${path}.crt`, '-CAkey', `${path}.key`]
  return {
    cert: certificate.cert,
    issue: (options) => issue(folder.path, options, signer),
    subordinate: (below) => signedBy(below, signer),
    remove: folder.remove,
  }
}

/** A certificate that nobody vouches for. @throws Error where openssl is not installed */
export async function selfSign(options: CertificateOptions): Promise<Certificate> {
  const folder = await temporaryFolder('certificates')
  try {
    return await issue(folder.path, options, [])
  } finally {
    await folder.remove()
  }
}

async function issue(folder: string, options: CertificateOptions, issuer: readonly string[]): Promise<Certificate> {
  const { subject, subjectAltName, subjectAltNames = [] } = options
  const names = subjectAltName ?? (subjectAltNames.length > 0 ? '@names' : undefined)
  const { certificate } = await create(
    folder,
    ['-subj', subject, ...(options.rsa ? rsa : ec), ...issuer],
    ['basicConstraints = critical,CA:FALSE', ...(names === undefined ? [] : [`subjectAltName = ${names}`])],
    subjectAltNames,
  )
  return certificate
}

async function create(
  folder: string,
  parameters: readonly string[],
  extensions: readonly string[],
  names: readonly string[] = [],
): Promise<{ path: string; certificate: Certificate }> {
  const path = join(folder, randomUUID())
  const sections = ['[req]', 'distinguished_name = dn', '[dn]', '[extensions]', ...extensions, '[names]']
  // A configuration of our own: what the system's adds differs from place to place.
  await writeFile(`${path}.cnf`, [...sections, ...names.map(nameLine), ''].join('\n'))
  await run('openssl', [
    ...['req', '-x509', '-config', `${path}.cnf`, '-extensions', 'extensions', '-nodes', '-days', '2', '-utf8'],
    ...['-keyout', `${path}.key`, '-out', `${path}.crt`, ...parameters],
  ])
  return {
    path,
    certificate: { cert: await readFile(`${path}.crt`, 'utf8'), key: await readFile(`${path}.key`, 'utf8') },
  }
}

function nameLine(name: string, index: number): string {
  const colon = name.indexOf(':')
  return `${name.slice(0, colon)}.${index} = ${name.slice(colon + 1).replace(/[\\"'$#]/g, '\\$&')}`
}
