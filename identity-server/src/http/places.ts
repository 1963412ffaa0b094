/** Places for requests that wait: so many in all, of them so many for each auth server, of these so many for each client. */

export interface Places {
  /** Takes a place. @returns what gives it back, or undefined where there is none left */
  take(authServer: string, client: string): (() => void) | undefined
}

export interface PlaceLimits {
  inAll: number
  ofAuthServer: number
  ofClient: number
}

export function createPlaces({ inAll, ofAuthServer, ofClient }: PlaceLimits): Places {
  const taken = new Map<string, number>()
  const count = (key: string, change: number) => {
    const left = (taken.get(key) ?? 0) + change
    if (left === 0) taken.delete(key)
    else taken.set(key, left)
  }

  return {
    take(authServer, client) {
      const limits: [key: string, limit: number][] = [
        ['', inAll],
        [authServer, ofAuthServer],
        [`${authServer}\n${client}`, ofClient],
      ]
      if (limits.some(([key, limit]) => (taken.get(key) ?? 0) >= limit)) return undefined
      for (const [key] of limits) count(key, 1)
      return () => {
        for (const [key] of limits) count(key, -1)
      }
    },
  }
}
