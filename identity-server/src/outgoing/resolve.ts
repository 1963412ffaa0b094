/** From a host's name to its addresses. */
import { lookup, Resolver } from 'node:dns/promises'

/** @returns at least one address. @throws Error where there is none */
export type Resolve = (hostname: string) => Promise<readonly string[]>

const timeoutMs = 1_500
const tries = 2

/**
 * Asks the name servers directly. The system's own way would hold one of the few threads that also sign tokens, for as
 * long as a slow name server likes. What only this machine knows (its hosts file) is no tenant's business either.
 * @param servers in place of the system's name servers
 */
export function createDnsResolve(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: timeoutMs, tries })
  if (servers) resolver.setServers(servers)
  return async (hostname) => {
    const found = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const addresses = found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    if (addresses.length > 0) return addresses
    throw found[0].status === 'rejected' ? found[0].reason : new Error('no address')
  }
}

/** As the system does it, hosts file, search domains and all: for internal networks, whose names may be known in no other way. */
export const systemResolve: Resolve = async (hostname) => {
  const found = await lookup(hostname, { all: true })
  return found.map(({ address }) => address)
}
