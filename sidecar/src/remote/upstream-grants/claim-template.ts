/** Text with claims in it: `user-${sub}`. */

import { isExact } from '@postern/protocol/i-json'

export interface ClaimTemplate {
  /** Whether it holds no claim. */
  fixed: boolean
  /** @returns undefined where a claim is missing, or no text that can stand inside another */
  render(claims: Readonly<Record<string, unknown>>): string | undefined
}

const placeholder = /\$\{([^{}]+)\}/g

export function parseTemplate(template: string): ClaimTemplate {
  const fixed = !new RegExp(placeholder).test(template)
  return {
    fixed,
    render(claims) {
      let complete = true
      // One pass: what a claim holds is never read as a template.
      const text = template.replace(placeholder, (_whole, name: string) => {
        const value = Object.hasOwn(claims, name) ? claims[name] : undefined
        if (isTellable(value)) return String(value)
        complete = false
        return ''
      })
      return complete ? text : undefined
    },
  }
}

/** A number that reading has rounded may be that of another. */
function isTellable(value: unknown): value is string | number {
  return typeof value === 'number' ? isExact(value) : typeof value === 'string' && value !== ''
}
