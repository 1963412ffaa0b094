/** One measurement: autocannon against one address, and the time that the server's process spent meanwhile. */
import { readFileSync } from 'node:fs'
import autocannon from 'autocannon'
import type { Attack } from './scenarios/scenario.ts'

export interface Measurement {
  requestsPerSecond: number
  /** ms, as autocannon counts: whole ones. */
  p50: number
  p99: number
  /** µs of the server's processor time for each request; undefined where the system does not tell. */
  cpuPerRequest: number | undefined
  /** Which part of the time the server's process was busy. Below about 0.9, the load generator was the limit. */
  busy: number | undefined
}

/** @throws Error where any answer was not 2xx: a refusal is quick, and would be measured as success */
export async function measure(attack: Attack, seconds: number, connections: number): Promise<Measurement> {
  const cpuBefore = cpuSeconds(attack.pid)
  const { pid: _, ...options } = attack
  const result = await autocannon({ ...options, connections, duration: seconds })
  const cpuAfter = cpuSeconds(attack.pid)
  const bad = result.non2xx + result.errors + result.timeouts
  if (bad > 0 || result['2xx'] === 0) throw new Error(`${bad} requests failed, ${result['2xx']} succeeded`)

  const spent = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuPerRequest: spent === undefined ? undefined : (spent / result['2xx']) * 1e6,
    busy: spent === undefined ? undefined : spent / result.duration,
  }
}

/** Processor time of a process so far, in seconds (proc(5): fields 14 and 15, in hundredths). */
function cpuSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    // Not Linux: throughput is still measured.
    return undefined
  }
}
