import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { ErrorCode, ERRORS } from './contracts/errors';
import { loadConfig } from './platform/config/env';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** Enough to build the application; it is never started, so nothing is connected to. */
const NOWHERE = {
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://app@127.0.0.1:1/none',
  REDIS_URL: 'redis://127.0.0.1:1',
  STRIPE_SECRET_KEY: 'sk_test_openapi',
  STRIPE_WEBHOOK_SECRET: 'whsec_openapi',
  APP_SECRET: 'openapi',
};

/** The API as the code declares it: routes, bodies, answers, who may call, and every error code. */
export async function writeOpenApi(): Promise<OpenAPIObject> {
  const app = await NestFactory.create(AppModule.forRoot(loadConfig(NOWHERE)), new FastifyAdapter(), {
    preview: true,
    logger: false,
  });
  const document = SwaggerModule.createDocument(app, description(), {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  describeErrors(document);
  return document;
}

function description(): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder()
    .setTitle('Tenant Billing')
    .setDescription(
      'Self-hosted, multi-tenant billing in front of Stripe. JSON in and out, snake_case; money in integer minor ' +
        'units; times in ISO 8601 UTC; errors as application/problem+json with a stable `code`.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addBearerAuth(
      { type: 'http', scheme: 'bearer', description: 'A key of kind admin, service or tenant.' },
      'key',
    )
    .addApiKey({ type: 'apiKey', in: 'header', name: 'x-api-key' }, 'x-api-key')
    .addSecurityRequirements('key')
    .build();
}

/** Each route answers problems of one shape; the codes stand in one enumeration. */
function describeErrors(document: OpenAPIObject): void {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  document.components ??= {};
  document.components.schemas = {
    ...document.components.schemas,
    Problem: {
      type: 'object',
      required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
      properties: {
        type: { type: 'string', format: 'uri' },
        title: { type: 'string' },
        status: { type: 'integer' },
        detail: { type: 'string' },
        code: {
          type: 'string',
          enum: codes,
          description: codes
            .map((code) => `\`${code}\` (${ERRORS[code].status}): ${ERRORS[code].advice}`)
            .join('\n'),
        },
        request_id: { type: 'string', format: 'uuid' },
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['pointer', 'code', 'message'],
            properties: {
              pointer: { type: 'string' },
              code: { type: 'string' },
              message: { type: 'string' },
            },
          },
        },
      },
    },
  };
  for (const path of Object.values(document.paths))
    for (const method of METHODS) {
      const operation = path[method] as Operation | undefined;
      if (!operation) continue;
      operation.responses.default = {
        description: 'A problem; see `code`.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      };
      if (method === 'post') addIdempotencyKey(operation);
    }
}

function addIdempotencyKey(operation: Operation): void {
  operation.parameters = [
    ...(operation.parameters ?? []),
    {
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: 'The first answer to a key is replayed byte for byte, with Idempotency-Replayed: true.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  ];
}
