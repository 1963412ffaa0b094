import { describe, expect, test } from 'vitest'
import { grantedAudiences } from '../../src/grants/audiences.ts'
import { parseForm } from '../../src/http/form.ts'
import * as parties from '../support/parties.ts'

const authServer = { ...parties.authServer, audience: 'urn:usual' }
const client = { ...parties.client, settings: { resources: ['urn:a', 'urn:b'] } }

describe('the audiences of a token', () => {
  const refused = 'invalid_target'
  test.each<[string, string, readonly string[] | undefined, readonly string[] | typeof refused]>([
    ['nothing asked for: the usual one', '', undefined, ['urn:usual']],
    ['one that the client may have', 'resource=urn:a', undefined, ['urn:a']],
    ['several, each once', 'resource=urn:b&resource=urn:a&resource=urn:b', undefined, ['urn:b', 'urn:a']],
    ['one that it may not have', 'resource=urn:a&resource=urn:c', undefined, refused],
    ['no absolute URI', 'resource=/a', undefined, refused],
    ['nothing asked for: all that was granted', '', ['urn:a', 'urn:b'], ['urn:a', 'urn:b']],
    ['one of those granted', 'resource=urn:a', ['urn:a', 'urn:b'], ['urn:a']],
    ['one that was not granted', 'resource=urn:b', ['urn:a'], refused],
    ['the usual one, where it was not granted', 'resource=urn:usual', ['urn:a'], refused],
    // A grant that outlives a change of the client widens nothing.
    ['granted, and no longer allowed', 'resource=urn:c', ['urn:a', 'urn:c'], refused],
    ['what is still allowed of those granted', '', ['urn:a', 'urn:c'], ['urn:a']],
    ['nothing of those granted is still allowed', '', ['urn:c'], refused],
    ['too many', Array.from({ length: 21 }, (_, n) => `resource=urn:${n}`).join('&'), undefined, refused],
  ])('%s', (_, form, ceiling, expected) => {
    const granted = () => grantedAudiences(authServer, client, parseForm(Buffer.from(form)), ceiling)
    if (expected === refused) expect(granted).toThrow(expect.objectContaining({ code: refused }))
    else expect(granted()).toEqual(expected)
  })
})
