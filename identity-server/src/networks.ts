import { BlockList, isIP } from 'node:net'

/**
 * @param text addresses and networks, separated by commas: `10.0.0.0/8,::1`
 * @returns undefined where one of them is neither
 */
export function parseNetworks(text: string): BlockList | undefined {
  const networks = new BlockList()
  for (const network of text.split(',')) {
    const [, address = '', prefix] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(network) ?? []
    const version = isIP(address)
    const bits = version === 6 ? 128 : 32
    const length = Number(prefix ?? bits)
    if (version === 0 || length > bits) return undefined
    networks.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4')
  }
  return networks
}

/** @param address of a socket; it has none where the connection has ended, or is no IP connection */
export function isInNetworks(networks: BlockList, address: string | undefined): boolean {
  return address !== undefined && networks.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
