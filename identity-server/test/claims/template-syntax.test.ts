import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitTemplate } from '../../src/claims/template-syntax.ts'

describe('splitTemplate', () => {
  test.each<[template: string, segments: unknown[]]>([
    ['', []],
    ['text', [{ text: 'text' }]],
    ['${a}', [{ expression: 'a', start: 2 }]],
    ['x ${ a } y', [{ text: 'x ' }, { expression: ' a ', start: 4 }, { text: ' y' }]],
    [
      '${a}${b}',
      [
        { expression: 'a', start: 2 },
        { expression: 'b', start: 6 },
      ],
    ],
    ['${{"a": {}}}', [{ expression: '{"a": {}}', start: 2 }]],
    ['${"}"}', [{ expression: '"}"', start: 2 }]],
    [`\${'}' + "'}"}`, [{ expression: `'}' + "'}"`, start: 2 }]],
    ['${"\\"}"}', [{ expression: '"\\"}"', start: 2 }]],
    ['${"""a"}b"""}', [{ expression: '"""a"}b"""', start: 2 }]],
    // As the library reads raw texts: a backslash hides a quote there too.
    ['${r"}\\" }"}', [{ expression: 'r"}\\" }"', start: 2 }]],
    ['${a // }\n}', [{ expression: 'a // }\n', start: 2 }]],
    ['$${a}', [{ text: '${a}' }]],
    ['$$${a}', [{ text: '$${a}' }]],
    ['$${${a}', [{ text: '${' }, { expression: 'a', start: 5 }]],
    ['$a {b} $', [{ text: '$a {b} $' }]],
    ['${}', [{ expression: '', start: 2 }]],
  ])('%s', (template, segments) => {
    expect(splitTemplate(template)).toEqual(segments)
  })

  test.each([
    ['a ${b', 2],
    ['${', 0],
    ['${"}', 0],
    ['${{}', 0],
    ['${a // }', 0],
    ['${"\\', 0],
  ])('%s does not end', (template, position) => {
    expect(() => splitTemplate(template)).toThrow(expect.objectContaining({ code: 'unterminated_template', position }))
  })

  test('text without the mark is one segment, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('${') && text !== '')
        expect(splitTemplate(text)).toEqual([{ text }])
      }),
    )
  })

  test('takes any text, and ends', () => {
    const pieces = fc.constantFrom('${', '$${', '}', '{', '"', "'", '"""', '\\', '//', '\n', 'a', '$')
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        try {
          splitTemplate(parts.join(''))
        } catch (error) {
          expect(error).toMatchObject({ code: 'unterminated_template' })
        }
      }),
    )
  })
})
