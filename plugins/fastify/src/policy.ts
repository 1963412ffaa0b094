/** Which policy holds for a route. */

export type RouteOption = false | { policy: string }

/**
 * @param option the route's `config.postern`
 * @param fallback the policy of the registration
 * @returns undefined for a route that opted out
 * @throws TypeError where the option is anything but what `RouteOption` allows: guessing might leave a route open
 */
export function policyOf(option: unknown, fallback: string): string | undefined {
  if (option === undefined) return fallback
  if (option === false) return undefined
  if (typeof option === 'object' && option !== null && 'policy' in option) {
    const { policy } = option
    if (typeof policy === 'string' && policy !== '') return policy
  }
  throw new TypeError('config.postern of a route must be false or { policy: string }')
}
