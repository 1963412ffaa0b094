/** Certificates for tests, made with the system's openssl: an authority, and what it signs. */
import { execFile } from 'node:child_process'
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
}

export interface CertificateAuthority {
  /** PEM, for those who shall trust it. */
  cert: string
  /** A certificate for a server or a client. */
  issue(options: CertificateOptions): Promise<Certificate>
  remove(): Promise<void>
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']

/** @throws Error where openssl is not installed */
export async function createCertificateAuthority(name = 'Test'): Promise<CertificateAuthority> {
  const folder = await temporaryFolder('certificates')
  const file = (part: string) => join(folder.path, part)
  // A configuration of our own: what the system's adds differs from place to place.
  await writeFile(file('openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n')
  const request = (...more: string[]) => run('openssl', ['req', '-x509', '-config', file('openssl.cnf'), ...more])
  await request(
    ...['-subj', `/CN=${name}`, ...newKey, '-keyout', file('ca.key'), '-out', file('ca.crt')],
    ...['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign'],
  )
  let issued = 0
  return {
    cert: await readFile(file('ca.crt'), 'utf8'),
    async issue({ subject, subjectAltName }) {
      issued += 1
      const [cert, key] = [file(`${issued}.crt`), file(`${issued}.key`)]
      await request(
        ...['-subj', subject, ...newKey, '-keyout', key, '-out', cert, '-CA', file('ca.crt'), '-CAkey', file('ca.key')],
        ...['-addext', 'basicConstraints=critical,CA:FALSE'],
        ...(subjectAltName === undefined ? [] : ['-addext', `subjectAltName=${subjectAltName}`]),
      )
      return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') }
    },
    remove: folder.remove,
  }
}
