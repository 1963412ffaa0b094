import { describe, expect, test } from 'vitest'
import { readModuleSyntax } from '../src/module-syntax.ts'

describe('specifiers', () => {
  test.each<[what: string, code: string]>([
    ['an import', "import { a } from 'x'"],
    ['an import of everything', "import * as a from 'x'"],
    ['an import for its effects', "import 'x'"],
    ['an import of types', "import type { A } from 'x'"],
    ['an import over several lines', "import {\n  a,\n  type B,\n} from 'x'"],
    ['an import after a statement', "const a = 1; import b from 'x'"],
    ['an import after quotes in a regular expression', "const a = /[`'\"]/\nimport b from 'x'\nconst c = `d`"],
    ['a re-export', "export { a } from 'x'"],
    ['a re-export of everything', "export * as a from 'x'"],
    ['a re-export of types', "export type { A } from 'x'"],
    ['a dynamic import', "const a = await import('x')"],
    ['a dynamic import by template', 'const a = await import(`x`)'],
    ['a dynamic import over several lines', "const a = await import (\n  /* why */ 'x'\n)"],
    ['an import inside of a template', `const a = \`\${\`\${await import('x')} // b\`}\``],
    ['the type of an import', "export type A = import('x').B"],
  ])('of %s', (_what, code) => {
    expect(readModuleSyntax(code)).toEqual({ specifiers: ['x'], importsUnknown: false, usesProcess: false })
  })

  test.each<[what: string, code: string]>([
    ['comments', "// import 'x'\n/*\nimport 'x'\n*/"],
    ['strings', 'const a = "import \'x\'"'],
    ['templates', "const a = `\nimport 'x'\n`"],
    ['exports of its own', 'export const from = 1\nexport { from as a }'],
    ['import.meta', 'const a = import.meta.dirname'],
  ])('none of %s', (_what, code) => {
    expect(readModuleSyntax(code).specifiers).toEqual([])
  })

  test('each once', () => {
    expect(readModuleSyntax("import type { A } from 'x'\nimport { b } from 'x'").specifiers).toEqual(['x'])
  })

  test.each(['await import(name)', `await import(\`./\${name}.ts\`)`, "await import('a' + name)"])(
    'unknown: %s',
    (code) => {
      expect(readModuleSyntax(code)).toMatchObject({ specifiers: [], importsUnknown: true })
    },
  )
})

describe('usesProcess', () => {
  test.each([
    'process.exit(1)',
    'const { env } = process',
    'function f(a = process) {}',
    'f({ process })',
    `const a = \`\${process.env.A}\``,
    "const a = process['env']",
    'globalThis.process.exit()',
    "globalThis['process'].exit()",
    'const { process } = globalThis',
    'type A = typeof process',
  ])('%s', (code) => {
    expect(readModuleSyntax(code).usesProcess).toBe(true)
  })

  test.each(['a.process.exit()', 'const a = { process: 1 }', 'class A { process() {} }', "const a = 'process.env'"])(
    'not %s',
    (code) => {
      expect(readModuleSyntax(code).usesProcess).toBe(false)
    },
  )
})

test('what is no TypeScript is an error, since nothing can be said of it', () => {
  expect(() => readModuleSyntax('import { from')).toThrow('Parse failed')
})
