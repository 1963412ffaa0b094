/** One measurement: autocannon against one address, and what the server's process spent meanwhile. */
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
  /** MiB that the server's process holds in memory afterwards. */
  memory: number | undefined
}

/** @throws Error where any answer was not 2xx: a refusal is quick, and would be measured as success */
export async function measure(attack: Attack, seconds: number, connections: number): Promise<Measurement> {
  const { origin, request, answered, amount, pid } = attack
  const requests = [
    {
      ...(typeof request === 'function' ? { setupRequest: () => request() } : request),
      ...(answered && { onResponse: (_status: number, body: string) => answered(body) }),
    },
  ]
  const cpuBefore = cpuSeconds(pid)
  const result = await autocannon({
    url: origin,
    requests,
    connections,
    ...(amount === undefined ? { duration: seconds } : { amount }),
  })
  const cpuAfter = cpuSeconds(pid)
  const bad = result.non2xx + result.errors + result.timeouts
  if (bad > 0 || result['2xx'] === 0) throw new Error(`${bad} requests failed, ${result['2xx']} succeeded`)

  const spent = cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore
  return {
    requestsPerSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpuPerRequest: spent === undefined ? undefined : (spent / result['2xx']) * 1e6,
    busy: spent === undefined ? undefined : spent / result.duration,
    memory: memoryOf(pid),
  }
}

/** Processor time of a process so far, in seconds (proc(5): fields 14 and 15, in hundredths). */
export function cpuSeconds(pid: number): number | undefined {
  const stat = readProc(pid, 'stat')
  // The second field is the command in brackets, and may hold spaces.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields && (Number(fields[11]) + Number(fields[12])) / 100
}

export function memoryOf(pid: number): number | undefined {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, 'status') ?? '') ?? []
  return kibibytes === undefined ? undefined : Number(kibibytes) / 1024
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Not Linux: throughput is still measured.
    return undefined
  }
}
