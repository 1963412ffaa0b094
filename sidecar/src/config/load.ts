/** From the text of a file to a configuration: YAML, then the schema, then what a schema cannot say. */
import { Ajv, type ErrorObject } from 'ajv'
import { Value } from 'typebox/value'
import { isNode, LineCounter, parseDocument, type YAMLError } from 'yaml'
import type { PathProblem } from './checks/check.ts'
import { semanticProblems } from './checks.ts'
import { Address } from './schema/parts.ts'
import { Config } from './schema.ts'

export interface Problem {
  /** 1-based; 0 where the file as a whole is meant. */
  line: number
  column: number
  /** As in `policies.demo.issuers[0]`. */
  path: string
  reason: string
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(file: string, problems: readonly Problem[]) {
    super(
      problems
        .map(({ line, column, path, reason }) => `${file}:${line}:${column}: ${path}${path && ': '}${reason}`)
        .join('\n'),
    )
    this.problems = problems
  }
}

const isConfig = new Ajv({ allErrors: true, useDefaults: true, strict: true, allowUnionTypes: true }).compile<Config>(
  Config,
)

/**
 * @param text of the YAML file
 * @param file its name, for messages
 * @throws ConfigError with every problem that was found
 */
export function parseConfig(text: string, file: string): Config {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const syntax = [...document.errors, ...document.warnings]
  if (syntax.length > 0) {
    throw new ConfigError(
      file,
      syntax.map((error) => ({ ...position(lines, error.pos[0]), path: '', reason: syntaxReason(error) })),
    )
  }

  const locate = ({ path, reason }: PathProblem): Problem => {
    const node = nodeAt(document, path)
    return { ...position(lines, node), path: formatPath(path), reason }
  }
  const parsed = resolveAliases(document, file)
  // An anchor and its aliases are one object, and defaults that are filled in for one place must not show in another.
  const config: unknown = JSON.parse(JSON.stringify(parsed ?? null))
  if (!isConfig(config)) throw new ConfigError(file, (isConfig.errors ?? []).map(toPathProblem).map(locate))
  const problems = semanticProblems(config)
  if (problems.length > 0) throw new ConfigError(file, problems.map(locate))
  return config
}

/** Aliases could blow a small file up beyond all bounds; the parser's own limit refuses that with an error. */
function resolveAliases(document: ReturnType<typeof parseDocument>, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch {
    // Its message names the alias, where a secret may stand.
    const reason = 'YAML: there is an alias without its anchor, or there are too many'
    throw new ConfigError(file, [{ line: 0, column: 0, path: '', reason }])
  }
}

/** Of these the parser's message quotes the file, where a secret may stand. */
const quoting = new Set(['TAG_RESOLVE_FAILED', 'BAD_DIRECTIVE', 'UNEXPECTED_TOKEN', 'BAD_DQ_ESCAPE'])

function syntaxReason({ code, message }: YAMLError): string {
  return quoting.has(code) ? `YAML: ${code.toLowerCase().replaceAll('_', ' ')}` : message
}

function toPathProblem({ instancePath, keyword, message, params }: ErrorObject): PathProblem {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (keyword === 'additionalProperties') {
    return { path: [...path, String(params.additionalProperty)], reason: 'is not a known member' }
  }
  if (keyword === 'required') return { path, reason: `${String(params.missingProperty)} is required` }
  if (keyword === 'enum') return { path, reason: `must be one of ${[params.allowedValues].flat().join(', ')}` }
  return { path, reason: message ?? 'is wrong' }
}

/** Where the deepest part of the path that the file has begins. */
function nodeAt(document: ReturnType<typeof parseDocument>, path: readonly string[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line, column: col }
}

function formatPath(path: readonly string[]): string {
  return path.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}

/**
 * The configuration with another place of the admin port, which each of several processes needs for itself.
 * @throws ConfigError where it may not be there
 */
export function withAdminAt(config: Config, address: string): Config {
  const moved = { ...config, admin: { tcp: address } }
  const problems = Value.Check(Address, address)
    ? semanticProblems(moved).filter(({ path }) => path[0] === 'admin')
    : [{ path: ['admin', 'tcp'], reason: 'is no host and port' }]
  if (problems.length > 0) {
    throw new ConfigError(
      '--admin',
      problems.map(({ path, reason }) => ({ line: 0, column: 0, path: formatPath(path), reason })),
    )
  }
  return moved
}
