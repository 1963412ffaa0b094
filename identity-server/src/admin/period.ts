/** A period of time, as query parameters of lists whose ids begin with their time. */
import Type, { type Static } from 'typebox'
import { firstEventId } from '../events/id.ts'

const time = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', pattern: '^(19[7-9]|[2-9]\\d)', description }))

export const Period = Type.Object({
  since: time('Not before this time'),
  until: time('Before this time'),
})

/** The ids of what happened in the period: not before `from`, and before `to`. */
export function idsBetween({ since, until }: Static<typeof Period>): { from?: string; to?: string } {
  return {
    ...(since !== undefined && { from: firstEventId(Date.parse(since)) }),
    ...(until !== undefined && { to: firstEventId(Date.parse(until)) }),
  }
}
