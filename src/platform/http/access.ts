import { applyDecorators, SetMetadata } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { Scope } from '../../contracts/permissions';

/** Who may call a route. A route without one is refused, and the service does not start with it. */
export type AccessRule =
  | { kind: 'public' }
  /** Open, but a credential adds the tenant's own view. */
  | { kind: 'optional'; scope: Scope }
  | { kind: 'key'; scope: Scope; tenant: 'required' | 'none' };

export const ACCESS = Symbol('ACCESS');

/** For keys that hold the scope, in the context of a verified tenant. */
export const Access = (scope: Scope): MethodDecorator & ClassDecorator =>
  route({ kind: 'key', scope, tenant: scope.startsWith('admin:') ? 'none' : 'required' });

/** Open to everyone; with a credential, also the tenant's own. */
export const OptionalAccess = (scope: Scope): MethodDecorator & ClassDecorator =>
  route({ kind: 'optional', scope });

/** Open to everyone, on purpose. */
export const Public = (): MethodDecorator & ClassDecorator => route({ kind: 'public' });

function route(rule: AccessRule): MethodDecorator & ClassDecorator {
  // RouteConfig hands the rule to Fastify, where it is checked before the body is read.
  return applyDecorators(SetMetadata(ACCESS, rule), RouteConfig({ access: rule }) as MethodDecorator);
}
