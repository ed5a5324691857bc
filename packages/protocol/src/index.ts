export { ERROR_CODES, type ErrorCode, fromWireError, invariant, RondoError, toWireError, type WireError } from './errors.ts'
