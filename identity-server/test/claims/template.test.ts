import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTemplate } from '../../src/claims/template.ts'
import { context } from './context.ts'

const bindings = { ...context, attributes: {} }
const make = (value: unknown) => compileTemplate(value).make(bindings, { left: 50_000 })

describe('templates', () => {
  test.each<[value: unknown, made: unknown]>([
    ['${client.id}', 'billing'],
    ['${scopes}', ['read', 'write']],
    ['${subject_token.level}', 3],
    ['${subject_token == null}', false],
    ['${null}', null],
    ['id: ${client.id}', 'id: billing'],
    ['${client.id}/${size(scopes)}/${1.5}/${true}/${now}', 'billing/2/1.5/true/2026-01-02T03:04:05.678Z'],
    [' ${client.id}', ' billing'],
    ['$${client.id}', '${client.id}'],
    ['$${a} ${client.id}', '${a} billing'],
    [
      { roles: ['${grant}', 'x'], deep: { '${client.id}': '${{"a": scopes}}' } },
      { roles: ['client_credentials', 'x'], deep: { '${client.id}': { a: ['read', 'write'] } } },
    ],
    [
      [[], {}, null, 0, false, ''],
      [[], {}, null, 0, false, ''],
    ],
  ])('%j makes %j', (value, made) => {
    expect(make(value)).toEqual(made)
  })

  test.each<[value: unknown, error: { code: string; where: string; position?: number }]>([
    [{ a: ['x', 'y ${clientt.id}'] }, { code: 'unknown_variable', where: '/a/1', position: 4 }],
    [{ 'a/b~c': '${1 +}' }, { code: 'unexpected_token', where: '/a~1b~0c', position: 5 }],
    ['x ${client.id', { code: 'unterminated_template', where: '', position: 2 }],
    ['${}', { code: 'unexpected_token', where: '', position: 2 }],
  ])('%j is refused with its place', (value, error) => {
    expect(() => compileTemplate(value)).toThrow(expect.objectContaining(error))
  })

  test.each<[value: unknown, code: string]>([
    [JSON.parse('{"__proto__": 1}'), 'key_not_allowed'],
    ['\0', 'broken_text'],
    ['\ud800', 'broken_text'],
    [{ '\udc00': 1 }, 'broken_text'],
    ['x'.repeat(20_000), 'too_large'],
    [JSON.parse(`${'['.repeat(20)}${']'.repeat(20)}`), 'too_deep'],
  ])('%.40j is refused', (value, code) => {
    expect(() => compileTemplate(value)).toThrow(expect.objectContaining({ code }))
  })

  test.each<[template: string, code: string]>([
    ['a ${scopes}', 'no_plain_value'],
    ['a ${client}', 'no_plain_value'],
    ['a ${null}', 'not_text'],
    ['${subject_token.none}', 'no_such_key'],
    ['a ${subject_token.none}', 'no_such_key'],
  ])('%s cannot be made', (template, code) => {
    const compiled = compileTemplate({ x: template })
    expect(() => compiled.make(bindings, { left: 1_000 })).toThrow(expect.objectContaining({ code, where: '/x' }))
  })

  test('data cannot bring in expressions: what is made is not read again', () => {
    const hostile = { ...bindings, subject: '${client.id}', subject_token: { x: ['$${a}', '${grant}'] } }
    const { make } = compileTemplate(['${subject}', 'a ${subject}', '${subject_token.x}'])
    expect(make(hostile, { left: 1_000 })).toEqual(['${client.id}', 'a ${client.id}', ['$${a}', '${grant}']])
  })

  test('data cannot bring in a prototype', () => {
    const hostile = { ...bindings, subject_token: { x: JSON.parse('{"__proto__": {"admin": true}}') } }
    const { make } = compileTemplate('${subject_token.x}')
    expect(() => make(hostile, { left: 1_000 })).toThrow(expect.objectContaining({ code: 'key_not_allowed' }))
  })

  test('what is made shares nothing with what it is made of', () => {
    const groups = ['a']
    const made = compileTemplate('${subject_token.groups}').make(
      { ...bindings, subject_token: { groups } },
      { left: 1_000 },
    )
    groups.push('b')
    expect(made).toEqual(['a'])
  })

  test('any JSON without templates comes back as it is', () => {
    const json = fc.jsonValue({ maxDepth: 5 }).filter((value) => {
      const text = JSON.stringify(value)
      return !text.includes('${') && !text.includes('\\u') && !text.includes('__proto__') && text.length < 8_000
    })
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.stringify(make(value))).toBe(JSON.stringify(value))
      }),
    )
  })

  test('text around expressions is kept to the letter', () => {
    const text = fc.string().filter((part) => !part.includes('$') && part.isWellFormed() && !part.includes('\0'))
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before + after !== '')
        expect(make(`${before}\${client.id}${after}`)).toBe(`${before}billing${after}`)
      }),
    )
  })
})
