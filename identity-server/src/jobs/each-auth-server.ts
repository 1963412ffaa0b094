import type { Page } from '../store/page.ts'

const pageSize = 500
/** Of many failures that are alike, some say enough. */
const maxErrors = 10

/**
 * Works on each auth server of a listing. One whose work fails does not keep the others from theirs.
 * @param list the ids of a page, in their order
 * @throws AggregateError when all had their turn and some failed
 */
export async function forEachAuthServer(
  list: (page: Page) => Promise<string[]>,
  work: (authServer: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const errors: unknown[] = []
  let failed = 0
  let ids: string[] = []
  do {
    ids = await list({ after: ids.at(-1), limit: pageSize })
    for (const id of ids) {
      if (signal.aborted) break
      try {
        await work(id)
      } catch (error) {
        failed += 1
        if (errors.length < maxErrors) errors.push(error)
      }
    }
  } while (ids.length === pageSize && !signal.aborted)
  if (failed > 0) throw new AggregateError(errors, `failed for ${failed} auth servers`)
}
