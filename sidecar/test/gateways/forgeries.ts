/** What clients may send and hold in order to pass for somebody else. */
import { createHash, X509Certificate } from 'node:crypto'
import type { Certificate, CertificateOptions } from '@postern/tools/certificates'

const rawOf = ({ cert }: Pick<Certificate, 'cert'>) => new X509Certificate(cert).raw

export function hashOf(certificate: Pick<Certificate, 'cert'>, encoding: 'hex' | 'base64url'): string {
  return createHash('sha256').update(rawOf(certificate)).digest(encoding)
}

/** The header of each gateway, as it tells of the certificate. */
export function headersOf(certificate: Certificate): [name: string, value: string][] {
  const base64 = rawOf(certificate).toString('base64')
  return [
    ['Client-Cert', `:${base64}:`],
    ['Ssl-Client-Cert', encodeURIComponent(certificate.cert)],
    ['X-Forwarded-Client-Cert', `Hash=${hashOf(certificate, 'hex')}`],
    ['X-Forwarded-Tls-Client-Cert', base64],
    ['X-Client-Cert', base64],
  ]
}

/** The same once, in other spellings and more than once, and to be dropped on the way. Names and values in turn. */
export function forgedHeaders(certificate: Certificate): string[][] {
  const headers = headersOf(certificate)
  return [
    headers.flat(),
    headers.flatMap(([name, value]) => [name.toLowerCase(), value, name.toUpperCase(), value]),
    headers.flatMap(([name, value]) => [name.replaceAll('-', '_'), value, name, value]),
    ['Connection', ['close', ...headers.map(([name]) => name)].join(', '), ...headers.flat()],
  ]
}

/** Names that look like what gateways write between others. In subjects, `/` and `+` part them, and a backslash quotes. */
export const awkwardNames: readonly CertificateOptions[] = [
  { subject: '/CN=a, b; c=d' },
  { subject: '/CN="quoted", half" and \\\\ back\\\\\\\\slashes\\\\' },
  { subject: '/CN=\\\\"/O=\\\\' },
  { subject: '/CN= #leading and trailing \\+<> ' },
  { subject: '/C=CH/O=Zürich 東京 🏰/CN=ключ' },
  { subject: '/CN=one+OU=two/DC=example/DC=com' },
  { subject: '/CN=%22%2C%0d%0a' },
  {
    subject: '/',
    subjectAltNames: ['URI:spiffe://example/a;b=c', 'URI:https://example/"x",y', 'email:a,b@example.com'],
  },
  {
    subject: '/CN=many',
    subjectAltNames: ['DNS:a.example', 'DNS:b.example', 'DNS:*.example', 'IP:::1', 'URI:x:\\"y\\'],
  },
]

/** Names that tell of another certificate, where Envoy writes names. */
export function forgedNames(certificate: Certificate): CertificateOptions[] {
  const hash = `Hash=${hashOf(certificate, 'hex')}`
  return [
    // The attribute GN may be longer than a hash.
    ...[`",${hash},By="`, `";${hash}`, `\\\\",${hash}`, `\\\\\\\\",${hash};Subject="`].map((name) => ({
      subject: `/GN=${name}`,
    })),
    ...[`,${hash}`, `;${hash}`, `",${hash}`].map((name) => ({
      subject: '/',
      subjectAltNames: [`URI:x:${name}`, `DNS:x${name}`],
    })),
  ]
}
