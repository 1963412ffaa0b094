/** The configurations of docs/certificates-at-gateways.md, so that what is proven is what stands there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const page = readFileSync(join(import.meta.dirname, '../../../docs/certificates-at-gateways.md'), 'utf8')

/** The examples in a language under a heading, in their order. @throws Error where there is none */
export function examples(heading: string, language: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  const [own = ''] = section.split('\n## ')
  const found = [...own.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text = '']) => text,
  )
  if (found.length === 0) throw new Error(`the page has no example in ${language} under ${heading}`)
  return found
}

/**
 * Addresses and names of files in the place of those of an example.
 * @throws Error where the example does not hold one of them
 */
export function filledIn(example: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`)
    return text.replaceAll(from, to)
  }, example)
}
