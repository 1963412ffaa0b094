import Type, { type Static } from 'typebox'
import { HeaderName, section } from './parts.ts'

const Access = section(
  {
    refusals_per_second: Type.Integer({
      default: 20,
      minimum: 0,
      maximum: 100_000,
      description: 'Lines about requests that were refused, at most; the next one says how many were left out',
    }),
    allow_share: Type.Number({
      default: 0,
      minimum: 0,
      maximum: 1,
      description: 'Which part of the requests that were let through have a line: 0.01 is one in a hundred',
    }),
    identity_headers: Type.Array(HeaderName, {
      default: [],
      description: 'Identity headers whose values stand in the lines of requests that were let through',
    }),
  },
  'Lines about single requests. They hold neither tokens nor queries',
)

export const Log = section(
  {
    level: Type.Enum(['error', 'warn', 'info', 'debug', 'silent'], { default: 'info' }),
    file: Type.Optional(
      Type.String({ minLength: 1, description: 'Opened anew with each reload. Default: standard output' }),
    ),
    access: Access,
  },
  'What is written, as lines of JSON',
)
export type LogConfig = Static<typeof Log>
export type AccessLogConfig = Static<typeof Access>
