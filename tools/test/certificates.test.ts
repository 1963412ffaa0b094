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

test('an authority below another signs certificates in a chain', async () => {
  const root = await createCertificateAuthority('Root')
  const below = await root.subordinate('Below')
  try {
    const { cert } = await below.issue({ subject: '/CN=me' })
    const [leaf, middle, top] = [cert, below.cert, root.cert].map((pem) => new X509Certificate(pem))
    expect(middle?.ca).toBe(true)
    expect(top && middle?.verify(top.publicKey)).toBe(true)
    expect(middle && leaf?.verify(middle.publicKey) && leaf.checkIssued(middle)).toBe(true)
  } finally {
    await below.remove()
    await root.remove()
  }
})

test('names may hold what openssl takes for a separator', async () => {
  const { cert } = await selfSign({ subject: '/CN=é', rsa: true, subjectAltNames: ['DNS:a,DNS:b', 'URI:x:"y"#z'] })
  const parsed = new X509Certificate(cert)
  expect(parsed.subjectAltName).toBe('DNS:"a\\u002cDNS:b", URI:"x:\\"y\\"#z"')
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect([parsed.subject, parsed.publicKey.asymmetricKeyType]).toEqual(['CN=é', 'rsa'])
})
