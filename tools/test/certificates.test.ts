import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { createCertificateAuthority, selfSign } from '../src/certificates.ts'

test('an authority signs certificates for the names asked for', async () => {
  const authority = await createCertificateAuthority()
  try {
    const { cert, key } = await authority.issue({
      subject: '/CN=me/O=us',
      subjectAltName: 'DNS:a.example,IP:127.0.0.1',
    })
    const [parsed, ca] = [new X509Certificate(cert), new X509Certificate(authority.cert)]
    expect(parsed.verify(ca.publicKey)).toBe(true)
    expect(parsed.checkIssued(ca)).toBe(true)
    expect(parsed.ca).toBe(false)
    expect(parsed.subject.split('\n').sort()).toEqual(['CN=me', 'O=us'])
    expect(parsed.checkHost('a.example')).toBe('a.example')
    expect(parsed.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(key).toContain('PRIVATE KEY')
  } finally {
    await authority.remove()
  }
})

test('names may hold what openssl takes for a separator', async () => {
  const { cert } = await selfSign({ subject: '/CN=é', rsa: true, subjectAltNames: ['DNS:a,DNS:b', 'URI:x:"y"#z'] })
  const parsed = new X509Certificate(cert)
  expect(parsed.subjectAltName).toBe('DNS:"a\\u002cDNS:b", URI:"x:\\"y\\"#z"')
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect([parsed.subject, parsed.publicKey.asymmetricKeyType]).toEqual(['CN=é', 'rsa'])
})
