/** Who acts beside clients. None of these could be a client: no client's id holds a colon. */

export const schedule = 'urn:postern:schedule'

/** Whoever registers where anybody may. */
export const anybody = 'urn:postern:anybody'

/** Whoever registers with a software statement of that issuer. */
export const vouchedForBy = (trustedIssuer: string) => `urn:postern:trusted-issuer:${trustedIssuer}`

export const holderOf = (initialAccessToken: string) => `urn:postern:initial-access-token:${initialAccessToken}`
