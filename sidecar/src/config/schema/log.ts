import Type from 'typebox'
import { section } from './parts.ts'

export const Log = section(
  { level: Type.Enum(['error', 'warn', 'info', 'debug', 'silent'], { default: 'info' }) },
  'What is written to standard output, as lines of JSON',
)
