/** The TypeScript sources of the repository and what each imports. */
import { globSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { packages } from './import-rules.ts'
import { readModuleSyntax } from './module-syntax.ts'

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
  /** Whether it imports something whose name only running it would tell. */
  importsUnknown: boolean
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
  const { specifiers, importsUnknown, usesProcess } = readModuleSyntax(readFileSync(join(root, file), 'utf8'))
  const builtins = specifiers.filter(isBuiltin)
  return {
    file,
    package: owner,
    inside: file.slice(owner.length + 1),
    imports: [...new Set(specifiers.flatMap((specifier) => resolve(file, specifier) ?? []))],
    builtins,
    importsUnknown,
    usesProcess: usesProcess || builtins.some((name) => /^(node:)?process$/.test(name)),
  }
}

function resolve(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return normalize(join(dirname(file), specifier)).replaceAll('\\', '/')
  const [, name, path] = /^@postern\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const folder = Object.keys(packages).find((candidate) => candidate === name || candidate.endsWith(`/${name}`))
  return folder === undefined ? undefined : `${folder}/src/${path ?? 'index'}.ts`
}
