import type { FastifyRequest } from 'fastify'

/** Browsers say from where they come with every request of other methods than GET and HEAD; nobody else does. */
export function isFromBrowser({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
}
