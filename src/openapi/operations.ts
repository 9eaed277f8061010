import type { INestApplication, Type } from '@nestjs/common';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants';
import { ModulesContainer } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { ACCESS, AccessRule } from '../platform/http/access';
import { IdempotencyInterceptor } from '../platform/http/idempotency.interceptor';

export const METHODS = ['get', 'put', 'post', 'delete', 'patch'] as const;

export type Described = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** One route: as Swagger describes it, and what its controller's method declares beside that. */
export interface Operation {
  readonly id: string;
  readonly path: string;
  readonly method: (typeof METHODS)[number];
  readonly described: Described;
  readonly access: AccessRule;
  /** Whether it accepts Idempotency-Key. */
  readonly isIdempotent: boolean;
}

/** `PlansAdminController.create` -> `PlansAdmin_create`. */
export function operationId(controller: string, method: string): string {
  return `${controller.replace(/Controller$/, '')}_${method}`;
}

/**
 * Every operation of the document beside its method in the code.
 * @throws Error for one without a method or without @Access, @OptionalAccess or @Public
 */
export function operationsOf(app: INestApplication, document: OpenAPIObject): Operation[] {
  const handlers = handlersById(app);
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const described = item[method];
      if (!described) return [];
      const id = described.operationId ?? '';
      const handler = handlers.get(id);
      const access = handler && (Reflect.getMetadata(ACCESS, handler) as AccessRule | undefined);
      if (!handler || !access) throw new Error(`${method} ${path} (${id}) does not say who may call it`);
      const interceptors =
        (Reflect.getMetadata(INTERCEPTORS_METADATA, handler) as unknown[] | undefined) ?? [];
      const isIdempotent = interceptors.includes(IdempotencyInterceptor);
      return [{ id, path, method, described, access, isIdempotent }];
    }),
  );
}

function handlersById(app: INestApplication): Map<string, object> {
  const handlers = new Map<string, object>();
  for (const module of app.get(ModulesContainer).values())
    for (const { metatype } of module.controllers.values()) {
      const controller = metatype as Type<unknown>;
      const methods = Object.getOwnPropertyDescriptors(controller.prototype as object);
      for (const [name, { value }] of Object.entries(methods))
        if (typeof value === 'function') handlers.set(operationId(controller.name, name), value as object);
    }
  return handlers;
}
