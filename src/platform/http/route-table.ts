import type { RouteOptions } from 'fastify';
import { BillingError } from '../../contracts/errors';
import { AccessRule } from './access';

/** One route as registered: method, pattern and who may call it; null when it does not say. */
export interface RegisteredRoute {
  method: string;
  pattern: string;
  access: AccessRule | null;
}

/**
 * What is served where. Fastify answers 404 for a known path with another method; this table builds the
 * 405 with its Allow header, and lists all routes for the tests that are generated from them.
 */
export class RouteTable {
  private readonly routes: RegisteredRoute[] = [];
  private readonly matchers = new Map<string, RegExp>();

  add(route: RouteOptions): void {
    const access = (route.config as { access?: AccessRule } | undefined)?.access ?? null;
    for (const method of [route.method].flat())
      this.routes.push({ method: method.toUpperCase(), pattern: route.url, access });
    this.matchers.set(route.url, toMatcher(route.url));
  }

  get all(): readonly RegisteredRoute[] {
    return this.routes;
  }

  /** The error for a request that matched no route: 405 when the path exists with other methods. */
  refusal(method: string, url: string): BillingError {
    const path = url.split('?', 1)[0]!;
    const allowed = new Set(
      this.routes
        .filter((route) => route.pattern !== '*' && this.matchers.get(route.pattern)!.test(path))
        .map((route) => route.method),
    );
    if (allowed.size === 0 || allowed.has(method)) return new BillingError('not_found');
    return new BillingError('method_not_allowed', { headers: { allow: [...allowed].sort().join(', ') } });
  }
}

/** `/v1/plans/:id` -> a linear expression that matches one segment for each parameter. */
function toMatcher(pattern: string): RegExp {
  const source = pattern
    .split('/')
    .map((part) => {
      if (part.startsWith(':')) return '[^/]+';
      if (part === '*') return '.*';
      return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('/');
  return new RegExp(`^${source}$`);
}
