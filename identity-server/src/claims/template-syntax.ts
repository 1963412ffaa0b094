/** Text with expressions in it: `Hello ${ client.name }`. `$${` stands for `${` itself. */
import { ExpressionError } from './errors.ts'

export type Segment = { text: string } | { expression: string; start: number }

/**
 * Takes text apart. An expression ends at the brace that closes it, not at those in its maps, texts and comments.
 * @throws ExpressionError where one does not end
 */
export function splitTemplate(template: string): Segment[] {
  const segments: Segment[] = []
  let text = ''
  let at = 0
  while (at < template.length) {
    if (template.startsWith('$${', at)) {
      text += '${'
      at += 3
    } else if (template.startsWith('${', at)) {
      const end = endOfExpression(template, at + 2)
      if (text !== '') segments.push({ text })
      segments.push({ expression: template.slice(at + 2, end), start: at + 2 })
      text = ''
      at = end + 1
    } else {
      text += template.charAt(at)
      at += 1
    }
  }
  if (text !== '') segments.push({ text })
  return segments
}

/** Quotes of CEL, the triple ones first; a comment ends with its line. */
const brackets = /"""|'''|"|'|\/\/|[{}]/y

function endOfExpression(template: string, start: number): number {
  let depth = 0
  let at = start
  while (at < template.length) {
    brackets.lastIndex = at
    const [mark] = brackets.exec(template) ?? []
    if (mark === '}' && depth === 0) return at
    if (mark === '{') depth += 1
    if (mark === '}') depth -= 1
    at = mark === undefined ? at + 1 : afterMark(template, mark, at + mark.length)
  }
  throw new ExpressionError('unterminated_template', 'the expression has no closing brace', start - 2)
}

function afterMark(template: string, mark: string, at: number): number {
  if (mark === '{' || mark === '}') return at
  if (mark === '//') {
    const line = template.indexOf('\n', at)
    return line === -1 ? template.length : line
  }
  let end = at
  while (end < template.length && !template.startsWith(mark, end)) end += template.charAt(end) === '\\' ? 2 : 1
  return end + mark.length
}
