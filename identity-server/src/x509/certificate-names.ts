/** The names that a certificate gives to its subject: the distinguished one, and the alternatives (RFC 5280 section 4.2.1.6). */
import { isIP, SocketAddress } from 'node:net'
import { readElement, readElements, tags } from './der.ts'
import { type DistinguishedName, readDistinguishedName } from './distinguished-name.ts'

export interface CertificateNames {
  subject: DistinguishedName
  dns: readonly string[]
  uri: readonly string[]
  email: readonly string[]
  /** As `canonicalAddress` writes them. */
  ip: readonly string[]
}

/** Context tags of `GeneralName`. */
const generalNames = { 129: 'email', 130: 'dns', 134: 'uri', 135: 'ip' } as const
const subjectAltName = Buffer.from('551d11', 'hex')
const versionTag = 0xa0
const extensionsTag = 0xa3

/** @throws Error where the certificate is malformed */
export function readCertificateNames({ raw }: { raw: Buffer }): CertificateNames {
  const [tbsCertificate] = readElements(readElement(raw, tags.sequence))
  if (tbsCertificate?.tag !== tags.sequence) throw new Error('a certificate is malformed')
  // After the version, which may be absent: serial number, signature, issuer, validity, subject.
  const members = readElements(tbsCertificate.content)
  const subject = members.filter(({ tag }) => tag !== versionTag)[4]
  if (subject?.tag !== tags.sequence) throw new Error('a subject is malformed')
  const extensions = members.find(({ tag }) => tag === extensionsTag)
  return { subject: readDistinguishedName(subject.content), ...alternatives(extensions?.content) }
}

/** One spelling for each address; undefined where it is none. */
export function canonicalAddress(text: string): string | undefined {
  if (text.includes('%') || isIP(text) === 0) return undefined
  return new SocketAddress({ address: text, family: text.includes(':') ? 'ipv6' : 'ipv4' }).address
}

function alternatives(extensions: Buffer | undefined) {
  const names: Record<'dns' | 'uri' | 'email' | 'ip', string[]> = { dns: [], uri: [], email: [], ip: [] }
  const found = extensions ? readElements(readElement(extensions, tags.sequence)).filter(isSubjectAltName) : []
  if (found.length > 1) throw new Error('an extension is repeated')
  for (const { content } of found) {
    const value = readElements(content).at(-1)
    if (value?.tag !== tags.octetString) throw new Error('an extension is malformed')
    for (const { tag, content: name } of readElements(readElement(value.content, tags.sequence))) {
      const kind = Object.entries(generalNames).find(([known]) => Number(known) === tag)?.[1]
      const text = kind === 'ip' ? addressOf(name) : name.toString('latin1')
      if (kind && text !== undefined) names[kind].push(text)
    }
  }
  return names
}

function isSubjectAltName({ content }: { content: Buffer }): boolean {
  return readElements(content)[0]?.content.equals(subjectAltName) ?? false
}

function addressOf(octets: Buffer): string | undefined {
  if (octets.length === 4) return canonicalAddress(octets.join('.'))
  return octets.length === 16 ? canonicalAddress((octets.toString('hex').match(/.{4}/g) ?? []).join(':')) : undefined
}
