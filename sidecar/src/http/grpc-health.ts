/** `grpc.health.v1.Health/Check`: whether requests should be sent here, as `/readyz`. Its two messages need no library. */
import {
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'

/** `HealthCheckResponse`: field 1, a number: 1 is SERVING, 2 NOT_SERVING. */
const answers = { serving: Buffer.from([0x08, 1]), notServing: Buffer.from([0x08, 2]) }
/** `HealthCheckRequest`: field 1, the name of a service, after its tag and length; empty for the whole server. */
const nameAt = 2
const authorization = Buffer.from('envoy.service.auth.v3.Authorization')

const asBytes = (bytes: Buffer) => bytes

export const healthService: ServiceDefinition = {
  Check: {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: asBytes,
    requestDeserialize: asBytes,
    responseSerialize: asBytes,
    responseDeserialize: asBytes,
  },
}

export function createHealth(isReady: () => boolean): UntypedServiceImplementation {
  return {
    Check({ request }: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
      const name = request.subarray(nameAt)
      if (name.length > 0 && !name.equals(authorization))
        return answer({ code: status.NOT_FOUND, details: 'there is no such service' })
      answer(null, isReady() ? answers.serving : answers.notServing)
    },
  }
}
