/** Who acts beside clients. None of these could be a client: no client's id holds a colon. */

export const schedule = 'urn:postern:schedule'

/** Whoever registers where anybody may. */
export const anybody = 'urn:postern:anybody'

export const holderOf = (initialAccessToken: string) => `urn:postern:initial-access-token:${initialAccessToken}`
