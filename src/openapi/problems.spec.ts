import type { OpenAPIObject } from '@nestjs/swagger';
import { describeProblems } from './problems';
import type { Operation } from './operations';

it('refuses an operation whose problems nobody has read from the services yet, by name', () => {
  const operation = { id: 'Refunds_create', described: { responses: {} } } as unknown as Operation;
  const document = { components: {} } as OpenAPIObject;
  expect(() => describeProblems(document, [operation])).toThrow(/Missing: Refunds_create\./);
  expect(() => describeProblems(document, [operation])).toThrow(/No longer there: .*Checkout_open/);
});
