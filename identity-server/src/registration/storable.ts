import { StoreError } from '../store/errors.ts'
import { invalidMetadata } from './metadata.ts'

/** Runs what stores metadata. @throws OAuthError `invalid_client_metadata` where the database cannot take them */
export async function storable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.kind === 'unknown_reference') throw invalidMetadata('a scope does not exist')
    // A NUL character deep in a key, for instance.
    if (error.kind === 'invalid_value') throw invalidMetadata('a member holds what cannot be stored')
    throw error
  }
}
