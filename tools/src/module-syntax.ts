/** What one TypeScript file asks of the world outside of it, read from its syntax tree: text patterns miss too much. */
import { parseAst } from 'rolldown/parseAst'

export interface ModuleSyntax {
  /** Specifiers of all imports and re-exports, of types as well, each once. */
  specifiers: string[]
  /** Whether it imports something whose name only running it would tell. */
  importsUnknown: boolean
  /** Whether it touches the global `process`. */
  usesProcess: boolean
}

type Node = Readonly<Record<string, unknown>>

/** @throws Error where the code is no TypeScript */
export function readModuleSyntax(code: string): ModuleSyntax {
  const specifiers = new Set<string>()
  const syntax = { importsUnknown: false, usesProcess: false }
  walk(parseAst(code, { lang: 'ts' }), (node) => {
    const source = importedBy(node)
    if (source !== undefined) {
      const specifier = textOf(source)
      if (specifier === undefined) syntax.importsUnknown = true
      else specifiers.add(specifier)
    }
    if (isProcess(node)) syntax.usesProcess = true
  })
  return { specifiers: [...specifiers], ...syntax }
}

const importing: Readonly<Record<string, string>> = {
  ImportDeclaration: 'source',
  ExportNamedDeclaration: 'source',
  ExportAllDeclaration: 'source',
  ImportExpression: 'source',
  TSImportType: 'source',
  TSExternalModuleReference: 'expression',
}

/** The node that names what is imported, where this node imports. */
function importedBy(node: Node): Node | undefined {
  const member = importing[String(node.type)]
  const source = member === undefined ? undefined : node[member]
  return isNode(source) ? source : undefined
}

/** The text of a literal, or of a template without expressions. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  const quasis = node.type === 'TemplateLiteral' && Array.isArray(node.quasis) ? node.quasis : []
  const [only, another]: unknown[] = quasis
  return another === undefined && isNode(only) && isNode(only.value) ? String(only.value.cooked) : undefined
}

function isProcess(node: Node): boolean {
  if (node.type === 'Identifier') return node.name === 'process'
  if (node.type !== 'MemberExpression' || !isNode(node.object) || !isNode(node.property)) return false
  const ofGlobal = node.object.name === 'globalThis' || node.object.name === 'global'
  const member = node.computed ? textOf(node.property) : node.property.name
  return ofGlobal && member === 'process'
}

/** Visits every node, but for names that are no references: members after a dot, keys of objects and classes. */
function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit)
  } else if (isNode(value)) {
    if (typeof value.type === 'string') visit(value)
    for (const [name, child] of Object.entries(value)) {
      const isName = (name === 'key' || name === 'property') && value.computed === false
      if (!isName) walk(child, visit)
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}
