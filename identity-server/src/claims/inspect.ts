/** What an expression does, read from its syntax tree before it ever runs: what it names, what it calls, what it weighs. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { knownMembers, variables } from './context.ts'
import { ExpressionError } from './errors.ts'
import type { Weighed } from './meter.ts'

export interface Inspection extends Weighed {
  /** Names of the context that the expression depends on. */
  readonly variables: ReadonlySet<string>
  /** Attribute sources that it names, each with a place where it does. */
  readonly sources: ReadonlyMap<string, number>
}

/** Functions whose cost is known to be in proportion to what they take. */
const functions = new Set('has size string int uint double bool bytes dyn type timestamp duration'.split(' '))

const searches = new Set(['contains', 'indexOf', 'lastIndexOf', 'split'])
/** `matches` is not among them: the library's regular expressions are JavaScript's, which backtrack without end. */
const methods = new Set([
  ...searches,
  ...['startsWith', 'endsWith', 'lowerAscii', 'upperAscii', 'trim', 'substring', 'size', 'join', 'hex', 'base64'],
  ...['of', 'none', 'or', 'orValue', 'value', 'hasValue'],
])
/** Without a time zone: looking one up costs a thousand times as much as anything else. */
const timeMethods = new Set([
  ...['getFullYear', 'getMonth', 'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear'],
  ...['getHours', 'getMinutes', 'getSeconds', 'getMilliseconds'],
])
/** Macros that give a name to each item, or (`bind`) to a value. */
const loops = new Set(['map', 'filter', 'exists', 'exists_one', 'all', 'bind'])

/** The library leaves these keys out of a map without a word. */
const droppedKeys = new Set<unknown>(['__proto__', 'constructor', 'prototype'])

/** @throws ExpressionError for what is not allowed */
export function inspect(root: ASTNode): Inspection {
  const names = new Set<string>()
  const sources = new Map<string, number>()
  const operands: ASTNode[] = []
  const iterated: ASTNode[] = []
  const searched: { text: ASTNode; pattern: ASTNode }[] = []

  const visitAll = (nodes: readonly ASTNode[]) => {
    for (const node of nodes) visit(node)
  }
  const visitOperands = (nodes: readonly ASTNode[]) => {
    operands.push(...nodes)
    visitAll(nodes)
  }

  const visitName = (node: ASTNode, name: string) => {
    if (name === 'attributes') throw refusal('attributes_without_source', 'name a source: attributes.<source>', node)
    if (Object.hasOwn(variables, name)) names.add(name)
  }

  const visitMember = (node: ASTNode, object: ASTNode, member: string) => {
    if (object.op !== 'id') return visit(object)
    if (object.args === 'attributes') {
      sources.set(member, node.start)
      names.add('attributes')
      return
    }
    visit(object)
    const known = knownMembers[object.args]
    if (known && !known.includes(member)) {
      throw refusal('no_such_member', `${object.args} has no ${member}, only ${known.join(', ')}`, node)
    }
  }

  const visitIndex = (node: ASTNode, object: ASTNode, index: ASTNode) => {
    if (index.op === 'value' && typeof index.args === 'string') return visitMember(node, object, index.args)
    visit(object)
    visit(index)
  }

  const visitLoop = ([variable, ...steps]: readonly ASTNode[], receiver: ASTNode) => {
    if (variable?.op === 'id' && Object.hasOwn(variables, variable.args)) {
      throw refusal('shadowed_variable', `${variable.args} is the name of something else already`, variable)
    }
    iterated.push(receiver)
    visitAll([receiver, ...steps])
  }

  const visitMethod = (node: ASTNode, name: string, receiver: ASTNode, args: readonly ASTNode[]) => {
    if (loops.has(name)) return visitLoop(args, receiver)
    if (!methods.has(name) && !(timeMethods.has(name) && args.length === 0)) {
      throw refusal('function_not_offered', `there is no method ${name} with ${args.length} arguments here`, node)
    }
    const [pattern] = args
    if (searches.has(name) && pattern) searched.push({ text: receiver, pattern })
    visitOperands([receiver, ...args])
  }

  const visitFunction = (node: ASTNode, name: string, args: readonly ASTNode[]) => {
    if (!functions.has(name)) throw refusal('function_not_offered', `there is no function ${name} here`, node)
    // The library reads durations with a regular expression that backtracks over long digits.
    if (name === 'duration' && !args.every(isShortText)) {
      throw refusal('duration_not_literal', 'a duration is written out: duration("90m")', node)
    }
    visitOperands(args)
  }

  const visitEntry = ([key, value]: readonly [ASTNode, ASTNode]) => {
    if (key.op === 'value' && droppedKeys.has(key.args)) {
      throw refusal('key_not_allowed', `a map here can have no key ${String(key.args)}`, key)
    }
    visitAll([key, value])
  }

  const visit = (node: ASTNode): void => {
    switch (node.op) {
      case 'value':
        break
      case 'id':
        visitName(node, node.args)
        break
      case '.':
      case '.?':
        visitMember(node, node.args[0], node.args[1])
        break
      case '[]':
      case '[?]':
        visitIndex(node, node.args[0], node.args[1])
        break
      case 'call':
        visitFunction(node, node.args[0], node.args[1])
        break
      case 'rcall':
        visitMethod(node, node.args[0], node.args[1], node.args[2])
        break
      case 'map':
        for (const entry of node.args) visitEntry(entry)
        break
      case 'list':
      case '?:':
      case '&&':
      case '||':
        visitAll(node.args)
        break
      case '!_':
      case '-_':
        visit(node.args)
        break
      default:
        visitOperands(node.args)
    }
  }

  visit(root)
  return { variables: names, sources, operands, iterated, searches: searched }
}

function isShortText(node: ASTNode): boolean {
  return node.op === 'value' && typeof node.args === 'string' && node.args.length <= 40
}

function refusal(code: string, message: string, node: ASTNode): ExpressionError {
  return new ExpressionError(code, message, node.start)
}
