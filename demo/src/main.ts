/** `npm start`: the whole system on this machine. Stops everything at ctrl-C. */
import { demoSettings } from './settings.ts'
import { startSystem } from './system.ts'
import { tryIt } from './try-it.ts'

async function main(): Promise<void> {
  const stopping = new AbortController()
  let stop: (() => Promise<void>) | undefined
  const end = (code: number) => {
    if (stopping.signal.aborted) return
    stopping.abort()
    console.log('\nstopping …')
    Promise.resolve(stop?.()).then(
      () => process.exit(code),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', () => end(0))
  process.on('SIGTERM', () => end(0))
  // npm may be killed without passing anything on; then nobody would be left to stop this.
  const parent = process.ppid
  setInterval(() => process.ppid === parent || end(0), 500).unref()

  const system = await startSystem(await demoSettings(process.env), {
    report: (line) => console.log(line),
    starting: (stopStarted) => {
      stop = stopStarted
    },
    ended: (name, log) => {
      console.error(`${name} ended unexpectedly; its log is ${log}`)
      end(1)
    },
  })
  if (!stopping.signal.aborted) console.log(tryIt(system))
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
})
