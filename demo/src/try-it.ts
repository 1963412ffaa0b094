import { relative } from 'node:path'
import type { RunningSystem } from './system.ts'

/** What the terminal shows once everything runs. */
export function tryIt({ envFile, logFolder }: RunningSystem): string {
  const here = (path: string) => relative(process.cwd(), path) || path
  return `
Try it, in another terminal:

  . ${here(envFile)}

  # Without a token, the gateway refuses:
  curl -i $GATEWAY_URL/

  # A token from the identity server:
  TOKEN=$(curl -s -u $DEMO_CLIENT_ID:$DEMO_CLIENT_SECRET -d grant_type=client_credentials \\
    -d scope=$DEMO_SCOPE $POSTERN_TOKEN_ENDPOINT | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')

  # With it, the upstream answers what it received: your identity, and a token of its own:
  curl -s -H "Authorization: Bearer $TOKEN" $GATEWAY_URL/

  # Revoked, it is refused at once:
  curl -s -u $DEMO_CLIENT_ID:$DEMO_CLIENT_SECRET -d token=$TOKEN $POSTERN_ISSUER/revoke
  curl -i -H "Authorization: Bearer $TOKEN" $GATEWAY_URL/

Logs are in ${here(logFolder)}. ctrl-C stops everything; the data stays for the next start.
`
}
