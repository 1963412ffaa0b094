/** Reading the sidecar's answer: nothing leaves this file that is not a decision a gateway may act on. */
import { Decision } from '@postern/protocol/decision'
import { isHeaderName } from '@postern/protocol/header-name'
import { Compile } from 'typebox/compile'
import { SidecarError } from './sidecar-error.ts'

const decisions = Compile(Decision)
/** `field-value` of RFC 9110 section 5.5, without line breaks and other control characters. */
const fieldValue = /^[\t\x20-\x7E\x80-\xFF]*$/

/**
 * @param now ms since the epoch
 * @throws SidecarError `nonsense` where the text is no decision, `expired` where it holds no longer
 */
export function parseDecision(text: string, now: number): Decision {
  const value = parseJson(text)
  if (!decisions.Check(value)) throw new SidecarError('nonsense', 'the answer is not a decision')
  const headers = value.decision === 'allow' ? value.set_headers : value.headers
  if (!Object.entries(headers).every(([name, content]) => isHeaderName(name) && fieldValue.test(content))) {
    throw new SidecarError('nonsense', 'the decision names a header that cannot be sent')
  }
  if (value.decision === 'allow' && value.expires_at * 1_000 <= now) {
    throw new SidecarError('expired', 'the decision holds no longer')
  }
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The SyntaxError quotes the text, which may hold a token: it must not become the cause.
    throw new SidecarError('nonsense', 'the answer is not JSON')
  }
}
