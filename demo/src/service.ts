/** How the demo's own two services begin and end as processes. */
import type { FastifyInstance } from 'fastify'

/** Listens on 127.0.0.1 until SIGTERM, SIGINT or the end of the demo. */
export async function run(app: FastifyInstance, port: string): Promise<void> {
  let stopping = false
  const stop = () => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), 3_000).unref()
    app.close().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('disconnect', stop)
  await app.listen({ host: process.env.DEMO_HOST || '127.0.0.1', port: Number(port) })
}

/** @throws Error where the variable is not set */
export function requiredVariable(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is required`)
  return value
}
