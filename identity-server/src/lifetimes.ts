/** Seconds that several parts have to agree on. */

/** The longest that a token may hold. */
export const maxTokenLifetime = 86_400

/** How long others may keep metadata and keys before they ask for them again. */
export const metadataMaxAge = 300
