import { seconds, section } from './parts.ts'

export const Drain = section(
  {
    delay: seconds(0, 0, 300, 'Between SIGTERM, when /readyz begins to say no, and the end of listening'),
    timeout: seconds(2, 1, 300, 'After that, how long requests that are under way are waited for'),
  },
  'How the sidecar ends',
)
