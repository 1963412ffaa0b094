import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'

const certificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * The certificates of a PEM file, read once at the start: a connection would take a broken file for an empty one.
 * @throws Error where it cannot be read, or holds none, or one that is broken
 */
export async function readCaFile(path: string): Promise<readonly string[]> {
  try {
    const certificates = (await readFile(path, 'utf8')).match(certificate) ?? []
    if (certificates.length === 0) throw new Error('it holds no certificate')
    return certificates.map((pem) => new X509Certificate(pem).toString())
  } catch (error) {
    throw new Error('POSTERN_OUTGOING_CA_FILE cannot be used', { cause: error })
  }
}
