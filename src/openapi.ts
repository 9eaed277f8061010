import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AppModule } from './app.module';
import { describeCallers, SECURITY_SCHEMES } from './openapi/callers';
import { addExamples } from './openapi/examples';
import { operationId, operationsOf } from './openapi/operations';
import { describeParameters } from './openapi/parameters';
import { describeProblems } from './openapi/problems';
import { TAGS } from './openapi/tags';
import { tidy } from './openapi/tidy';
import { loadConfig } from './platform/config/env';

/** Enough to build the application; it is never started, so nothing is connected to. */
const NOWHERE = {
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://app@127.0.0.1:1/none',
  REDIS_URL: 'redis://127.0.0.1:1',
  STRIPE_SECRET_KEY: 'sk_test_openapi',
  STRIPE_WEBHOOK_SECRET: 'whsec_openapi',
  APP_SECRET: 'openapi',
  // Routes that exist beside the sandbox only are described, too.
  SANDBOX: 'true',
};

/**
 * The API as the code declares it: routes, bodies, answers, who may call, and every error code. The same
 * code gives the same bytes, however it was compiled.
 * @throws Error naming the operations that nobody has described yet
 */
export async function writeOpenApi(): Promise<OpenAPIObject> {
  const app = await NestFactory.create(AppModule.forRoot(loadConfig(NOWHERE)), new FastifyAdapter(), {
    preview: true,
    logger: false,
  });
  return describe(app);
}

function describe(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, description(), { operationIdFactory: operationId });
  const operations = operationsOf(app, document);
  describeCallers(operations);
  describeParameters(document, operations);
  describeProblems(document, operations);
  addExamples(document);
  return tidy(document);
}

function description(): Omit<OpenAPIObject, 'paths'> {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.0.3')
    .setTitle('Tenant Billing')
    .setDescription(
      'Self-hosted, multi-tenant billing in front of Stripe. JSON in and out, snake_case; money in integer minor ' +
        'units; times in ISO 8601 UTC; errors as application/problem+json with a stable `code`. Every path is ' +
        'also served under a leading `/api`.',
    )
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/');
  for (const [name, about] of Object.entries(TAGS)) builder.addTag(name, about);
  for (const [name, scheme] of Object.entries(SECURITY_SCHEMES)) builder.addSecurity(name, scheme);
  return builder.build();
}
