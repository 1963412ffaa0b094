import { setTimeout as delay } from 'node:timers/promises'

/** For what happens by itself a little later. @throws Error where it has not happened within five seconds */
export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!(await happened())) {
    if (Date.now() > deadline) throw new Error('it has not happened within five seconds')
    await delay(10)
  }
}
