import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { selfSign } from '@postern/tools/certificates'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, readCertificateNames } from '../../src/x509/certificate-names.ts'
import { isSameName, parseDistinguishedName } from '../../src/x509/distinguished-name.ts'

const namesOf = ({ cert }: { cert: string }) => readCertificateNames(new X509Certificate(cert))

describe('names in certificates', () => {
  test.each([
    '/CN=client',
    '/C=DE/O=Acme, Inc./OU=R\\+D/CN=a "b" <c>;\\\\d',
    '/O=Acme/OU=Sales+CN=J. Smith',
    '/DC=net/DC=example/UID=u/CN= leading and trailing ',
    '/CN=Lučić/emailAddress=a@b.example/serialNumber=1',
    '/CN=#hash/organizationIdentifier=PSDDE-BAFIN-1',
  ])('the subject %s is the one that openssl writes', async (subject) => {
    const certificate = await selfSign({ subject })
    const format = ['-noout', '-subject', '-nameopt', 'RFC2253']
    const text = execFileSync('openssl', ['x509', ...format], { input: certificate.cert, encoding: 'utf8' })
    const written = parseDistinguishedName(text.replace(/^subject=/, '').replace(/\n$/, ''))
    expect(written).toBeDefined()
    expect(isSameName(namesOf(certificate).subject, written ?? [])).toBe(true)
  })

  test('a subject without any name is nobody', async () => {
    const { subject } = namesOf(await selfSign({ subject: '/' }))
    expect(subject).toEqual([])
    expect(isSameName(subject, subject)).toBe(false)
  })

  test('alternative names, by their kinds', async () => {
    const subjectAltNames = [
      ...['DNS:a.example', 'DNS:*.b.example', 'URI:spiffe://example/a', 'email:a@b.example'],
      ...['IP:192.0.2.1', 'IP:2001:db8::1', 'RID:1.2.3'],
    ]
    expect(namesOf(await selfSign({ subject: '/CN=x', subjectAltNames }))).toEqual({
      subject: [['2.5.4.3=x']],
      dns: ['a.example', '*.b.example'],
      uri: ['spiffe://example/a'],
      email: ['a@b.example'],
      ip: ['192.0.2.1', '2001:db8::1'],
    })
  })

  test('there may be none', async () => {
    expect(namesOf(await selfSign({ subject: '/CN=x' }))).toMatchObject({ dns: [], uri: [], email: [], ip: [] })
  })

  test.each([
    ['DNS:a.example,DNS:victim.example', 'dns'],
    ['DNS:a.example, DNS:victim.example', 'dns'],
    ['DNS:"a", DNS:victim.example, "', 'dns'],
    ['URI:https://a.example/,DNS:victim.example', 'uri'],
    ['URI:x", DNS:victim.example, URI:"y', 'uri'],
    ['email:a@b.example,DNS:victim.example', 'email'],
  ] as const)('injection into an alternative name (%s) stays one name', async (name, kind) => {
    const names = namesOf(await selfSign({ subject: '/CN=x', subjectAltNames: [name] }))
    expect(names[kind]).toEqual([name.slice(name.indexOf(':') + 1)])
    expect(Object.values(names).flat(2)).not.toContain('victim.example')
  })

  test('injection into the subject stays one name', async () => {
    const { subject } = namesOf(await selfSign({ subject: '/CN=a\\/CN=victim\\+O=b' }))
    expect(subject).toEqual([['2.5.4.3=a/CN=victim+O=b']])
    expect(isSameName(subject, parseDistinguishedName('CN=victim') ?? [])).toBe(false)
  })

  test('addresses have one spelling', () => {
    expect(canonicalAddress('2001:DB8:0:0:0:0:0:1')).toBe('2001:db8::1')
    expect(canonicalAddress('192.0.2.1')).toBe('192.0.2.1')
    for (const wrong of ['', 'a', '192.0.2', '192.0.2.1/32', '::1%lo', '1.2.3.4:5']) {
      expect(canonicalAddress(wrong), wrong).toBeUndefined()
    }
  })
})
