import type { X509Certificate } from 'node:crypto'
import type { ClientSettings } from '../clients/settings.ts'
import { isCurrent } from '../sender-constraint/certificate.ts'
import { type CertificateNames, canonicalAddress, readCertificateNames } from '../x509/certificate-names.ts'
import { isSameName, parseDistinguishedName } from '../x509/distinguished-name.ts'
import type { ClientAuthMethod } from './method.ts'

/** A certificate of an accepted authority, for the subject that the client is registered with (RFC 8705 section 2.1). */
export function tlsClientAuth(now: () => number): ClientAuthMethod {
  return {
    name: 'tls_client_auth',
    implicit: true,
    read({ form, certificate }) {
      const clientId = form.get('client_id')
      if (!certificate || clientId === undefined) return undefined
      return {
        clientId,
        proves: (client) =>
          client !== undefined &&
          certificate.trusted &&
          isCurrent(certificate, now()) &&
          isExpectedSubject(certificate.x509, client.settings),
      }
    },
  }
}

type SubjectSetting = Extract<keyof ClientSettings, `tls_client_auth_${string}`>

/** How each of the settings is compared with the certificate (section 2.1.2). */
const subjects: Readonly<Record<SubjectSetting, (names: CertificateNames, expected: string) => boolean>> = {
  tls_client_auth_subject_dn: ({ subject }, expected) => {
    const name = parseDistinguishedName(expected)
    return name !== undefined && isSameName(subject, name)
  },
  // Names of hosts have no case. A wildcard stands for itself.
  tls_client_auth_san_dns: ({ dns }, expected) => dns.some((name) => name.toLowerCase() === expected.toLowerCase()),
  tls_client_auth_san_uri: ({ uri }, expected) => uri.includes(expected),
  tls_client_auth_san_ip: ({ ip }, expected) => {
    const address = canonicalAddress(expected)
    return address !== undefined && ip.includes(address)
  },
  tls_client_auth_san_email: ({ email }, expected) => email.includes(expected),
}

/** Exactly one setting says which subject is expected, or none is. */
function isExpectedSubject(certificate: X509Certificate, settings: ClientSettings): boolean {
  const set = Object.entries(subjects).flatMap(([name, matches]) => {
    const expected = Object.entries(settings).find(([setting]) => setting === name)?.[1]
    return typeof expected === 'string' ? [{ matches, expected }] : []
  })
  const [only, ...more] = set
  if (!only || more.length > 0) return false
  try {
    return only.matches(readCertificateNames(certificate), only.expected)
  } catch {
    // Its authority signed names that cannot be read; whose they are cannot be known.
    return false
  }
}
