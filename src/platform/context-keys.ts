/**
 * Keys of the continuation-local store. Symbols on purpose: nestjs-cls reads dots in string keys as paths
 * into nested objects, which child contexts would share by reference with their parents.
 */
export const CONTEXT_KEYS = {
  tenantId: Symbol('tenantId'),
  acrossTenants: Symbol('acrossTenants'),
  requestId: Symbol('requestId'),
  ip: Symbol('ip'),
  actor: Symbol('actor'),
  operationId: Symbol('operationId'),
  answerBy: Symbol('answerBy'),
} as const;
