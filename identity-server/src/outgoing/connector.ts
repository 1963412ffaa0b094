/**
 * Opens connections to allowed addresses only. What is checked is the address that is then connected to, each time: a
 * name that leads elsewhere at a second look-up (DNS rebinding) gains nothing.
 */
import { isIP, isIPv6, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { classifyAddress } from './address.ts'
import { OutgoingError } from './error.ts'
import type { Resolve } from './resolve.ts'
import { mayConnect, type OutgoingRules } from './url.ts'

const connectWithinMs = 3_000

/** @param ca certificates to trust, PEM, in place of the usual ones */
export function createGuardedConnector(
  rules: OutgoingRules,
  resolve: Resolve,
  ca: readonly string[] | undefined,
): buildConnector.connector {
  const build = (protocol: string) => {
    const allows = (address: string) => mayConnect(classifyAddress(address), protocol, rules)
    const connect = buildConnector({
      timeout: connectWithinMs,
      allowH2: false,
      lookup: guardedLookup(resolve, allows),
      ...(ca && { ca: [...ca] }),
    })
    const guarded: buildConnector.connector = (options, callback) => {
      // An address needs no look-up, so the guard there would not see it.
      if (isIP(options.hostname) && !allows(options.hostname)) {
        callback(new OutgoingError('forbidden_address', options.hostname), null)
      } else connect(options, callback)
    }
    return guarded
  }
  const https = build('https:')
  const http = build('http:')
  return (options, callback) => (options.protocol === 'https:' ? https : http)(options, callback)
}

function guardedLookup(resolve: Resolve, allows: (address: string) => boolean): LookupFunction {
  const find = async (hostname: string) => {
    const addresses = await resolve(hostname)
    // One forbidden address among others is not passed over: a name of that kind is a mistake, or an attempt.
    if (!addresses.every(allows)) throw new OutgoingError('forbidden_address', hostname)
    return addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  }
  return (hostname, options, callback) => {
    find(hostname).then(
      (found) => {
        const [first] = found
        if (options.all) callback(null, found)
        else if (first) callback(null, first.address, first.family)
        else callback(new Error('no address'), '')
      },
      (error: Error) => callback(error, ''),
    )
  }
}
