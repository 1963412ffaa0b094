/** The TypeScript sources of the repository and what each imports. */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { packages } from './import-rules.ts'

export interface Source {
  /** Path from the root, with `/`. */
  file: string
  /** Folder of its package. */
  package: string
  /** Path inside the package. */
  inside: string
  /** The files of ours that it imports, by path from the root. */
  imports: string[]
  /** Modules of Node.js that it imports. */
  builtins: string[]
  /** Whether it touches `process`. */
  usesProcess: boolean
}

/** @param root of the repository, or of a tree laid out like it */
export function readSources(root: string): Source[] {
  const files = globSync('**/*.ts', {
    cwd: root,
    exclude: (path) => /(^|\/)(node_modules|dist|\.postern)(\/|$)/.test(path),
  })
  return files
    .map((path) => path.replaceAll('\\', '/'))
    .flatMap((file) => {
      const owner = packageOf(file)
      return owner === undefined ? [] : [readSource(root, file, owner)]
    })
}

function packageOf(file: string): string | undefined {
  return Object.keys(packages).find((folder) => file.startsWith(`${folder}/`))
}

function readSource(root: string, file: string, owner: string): Source {
  const code = withoutComments(readFileSync(join(root, file), 'utf8'))
  const specifiers = [...code.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? '')
  return {
    file,
    package: owner,
    inside: file.slice(owner.length + 1),
    imports: specifiers.flatMap((specifier) => resolve(file, specifier) ?? []),
    builtins: specifiers.filter((specifier) => specifier.startsWith('node:')),
    usesProcess: specifiers.includes('node:process') || /(?<![.\w$'"`-])process\s*[.[]/.test(withoutStrings(code)),
  }
}

/** `import … from 'x'`, `export … from 'x'`, `import 'x'`; and `import('x')`, whether of a value or of a type. */
const importPattern = /^\s*(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm

function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier)).replaceAll('\\', '/')
  const [, name, path] = /^@postern\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const folder = Object.keys(packages).find((candidate) => candidate === name || candidate.endsWith(`/${name}`))
  return folder === undefined ? undefined : `${folder}/src/${path ?? 'index'}.ts`
}

function withoutComments(code: string): string {
  // Strings come first in the alternation, so that `//` inside of one does not begin a comment.
  return code.replace(
    /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g,
    '$1',
  )
}

function withoutStrings(code: string): string {
  return code.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
}
