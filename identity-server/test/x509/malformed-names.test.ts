/** Names in certificates that OpenSSL lets pass, or might one day, and that must not be mistaken for others. */
import { describe, expect, test } from 'vitest'
import { readCertificateNames } from '../../src/x509/certificate-names.ts'
import { readElements, tags } from '../../src/x509/der.ts'
import { isSameName, parseDistinguishedName, readDistinguishedName } from '../../src/x509/distinguished-name.ts'

function element(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([
    Buffer.from(content.length < 128 ? [tag, content.length] : [tag, 0x81, content.length]),
    content,
  ])
}
const sequence = (...contents: Uint8Array[]) => element(tags.sequence, ...contents)
const text = (value: string, tag: number = tags.utf8String) => element(tag, Buffer.from(value, 'latin1'))
const commonName = element(tags.objectIdentifier, Buffer.from('550403', 'hex'))

/** A name of one attribute. */
const nameOf = (...attribute: Uint8Array[]) => element(tags.set, sequence(...attribute))
const read = (...attribute: Uint8Array[]) => readDistinguishedName(nameOf(...attribute))
const expected = (name: string) => parseDistinguishedName(name) ?? []

describe('a distinguished name', () => {
  test('is the same in any string type that means the same', () => {
    for (const tag of [tags.utf8String, tags.printableString, tags.ia5String, tags.visibleString]) {
      expect(isSameName(read(commonName, text('victim', tag)), expected('CN=victim'))).toBe(true)
    }
  })

  test.each([
    ['T61String', text('victim', 0x14)],
    ['OCTET STRING', text('victim', tags.octetString)],
    ['an ASCII type with other octets', text('\xe9', tags.printableString)],
  ])('in %s is compared by its encoding, and never as text', (_, value) => {
    const name = read(commonName, value)
    expect(name).toEqual([[`2.5.4.3#${value.toString('hex')}`]])
    expect(isSameName(name, expected('CN=victim'))).toBe(false)
  })

  test.each([
    ['octets that are no UTF-8', [commonName, text('\xc4')]],
    ['an attribute of three parts', [commonName, text('a'), text('victim')]],
    ['an attribute without a value', [commonName]],
    ['an attribute without a type', [text('a'), text('victim')]],
  ])('with %s is refused', (_, attribute) => expect(() => read(...attribute)).toThrow())

  test('that is no list of sets of sequences is refused', () => {
    expect(() => readDistinguishedName(sequence(sequence(commonName, text('a'))))).toThrow()
    expect(() => readDistinguishedName(element(tags.set, element(tags.set, commonName, text('a'))))).toThrow()
  })
})

describe('a certificate', () => {
  const alternatives = (...names: string[]) =>
    sequence(
      element(tags.objectIdentifier, Buffer.from('551d11', 'hex')),
      element(tags.octetString, sequence(...names.map((name) => text(name, 0x82)))),
    )
  const certificate = (...extensions: Buffer[]) => {
    const [number, validity, key] = [element(2, Buffer.from([1])), sequence(), sequence()]
    const [issuer, subject] = ['issuer', 'subject'].map((name) => sequence(nameOf(commonName, text(name))))
    const parts = [element(0xa0, number), number, sequence(), issuer, validity, subject, key]
    const given = parts.flatMap((part) => part ?? [])
    return { raw: sequence(sequence(...given, element(0xa3, sequence(...extensions)))) }
  }

  test('is that of its subject, and not of its issuer', () => {
    const { subject, dns } = readCertificateNames(certificate(alternatives('a.example', 'b.example')))
    expect(subject).toEqual(expected('CN=subject'))
    expect(dns).toEqual(['a.example', 'b.example'])
  })

  test('with the alternative names twice is refused: others might read the other ones', () => {
    expect(() => readCertificateNames(certificate(alternatives('a.example'), alternatives('b.example')))).toThrow()
  })

  test('with anything behind it is refused', () => {
    const { raw } = certificate()
    expect(() => readCertificateNames({ raw: Buffer.concat([raw, sequence()]) })).toThrow()
  })
})

test('a tag of several octets is refused, also where it would make sense as one of one', () => {
  expect(() => readElements(Buffer.from('1f0100', 'hex'))).toThrow()
})
