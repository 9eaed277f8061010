import { BadRequestException, HttpException, NotFoundException } from '@nestjs/common';
import { BillingError, ErrorCode, ERRORS } from '../../contracts/errors';
import { problemAnswer, toBillingError } from './problem';

const SECRET = 'password=hunter2 at /srv/app/src/secret.ts SELECT * FROM tenants';

function thrownWith(fields: Record<string, unknown>, message = SECRET): Error {
  return Object.assign(new Error(message), fields);
}

const codeOf = (thrown: unknown): ErrorCode => toBillingError(thrown).code;

describe('what was thrown becomes one error of the catalogue', () => {
  it.each<[string, unknown, ErrorCode]>([
    ['our own', new BillingError('plan_not_found'), 'plan_not_found'],
    ['a plain error', new Error(SECRET), 'internal'],
    ['a text', SECRET, 'internal'],
    ['nothing', undefined, 'internal'],
    ['null', null, 'internal'],
    ["Nest's not found", new NotFoundException(SECRET), 'not_found'],
    ["Nest's bad request", new BadRequestException(SECRET), 'bad_request'],
    ['an HTTP status nobody listed', new HttpException(SECRET, 418), 'bad_request'],
    ['an HTTP status of ours', new HttpException(SECRET, 502), 'internal'],
    ['a body beyond the limit', thrownWith({ code: 'FST_ERR_CTP_BODY_TOO_LARGE' }), 'payload_too_large'],
    ['a wrong content length', thrownWith({ code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' }), 'bad_request'],
    [
      'a framework status',
      thrownWith({ code: 'FST_ERR_SOMETHING_NEW', statusCode: 415 }),
      'unsupported_media_type',
    ],
    ['Postgres gone', thrownWith({ code: '08006' }), 'dependency_unavailable'],
    ['Postgres stopping', thrownWith({ code: '57P01' }), 'dependency_unavailable'],
    ['Postgres full', thrownWith({ code: '53300' }), 'dependency_unavailable'],
    ['a statement that took too long', thrownWith({ code: '57014' }), 'dependency_unavailable'],
    ['a refused connection', thrownWith({ code: 'ECONNREFUSED' }), 'dependency_unavailable'],
    ['a terminated connection', new Error('Connection terminated unexpectedly'), 'dependency_unavailable'],
    ['a full pool', new Error('timeout exceeded when trying to connect'), 'dependency_unavailable'],
    ['a deadlock', thrownWith({ code: '40P01' }), 'overloaded'],
    ['a lock that did not come', thrownWith({ code: '55P03' }), 'overloaded'],
    ['text that Postgres cannot hold', thrownWith({ code: '22021' }), 'validation_failed'],
    ['a unique violation nobody foresaw', thrownWith({ code: '23505' }), 'internal'],
    ['a row-level security violation', thrownWith({ code: '42501' }), 'internal'],
  ])('%s', (_name, thrown, code) => {
    expect(codeOf(thrown)).toBe(code);
  });

  it('says when to come back, where waiting helps', () => {
    for (const code of ['08006', '40P01', 'ECONNRESET'])
      expect(toBillingError(thrownWith({ code })).retryAfter).toBeGreaterThan(0);
  });
});

describe('the answer', () => {
  const causes = [
    new Error(SECRET),
    thrownWith({ code: '23505', detail: SECRET, query: SECRET, parameters: [SECRET] }),
    thrownWith({ code: '08006', detail: SECRET }),
    new BadRequestException({ message: [SECRET] }),
    thrownWith({ statusCode: 400 }),
    new BillingError('internal', { cause: new Error(SECRET) }),
    SECRET,
  ];

  it.each(causes)('has nothing of the cause in it (%#)', (cause) => {
    const { headers, body } = problemAnswer(toBillingError(cause), 'request-1');
    expect(JSON.stringify({ headers, body })).not.toMatch(/hunter2|secret\.ts|SELECT/);
  });

  it('is a problem document with our members, not to be stored', () => {
    const { status, headers, body } = problemAnswer(new BillingError('not_found'), 'request-1');
    expect(status).toBe(404);
    expect(headers).toEqual({ 'cache-control': 'no-store' });
    expect(body).toEqual({
      type: 'urn:tenant-billing:error:not_found',
      title: 'Not found',
      status: 404,
      detail: ERRORS.not_found.advice,
      code: 'not_found',
      request_id: 'request-1',
    });
  });

  it('carries field errors, added members, Retry-After and further headers when there are some', () => {
    const errors = [{ pointer: '/name', code: 'not_string', message: 'name must be a string' }];
    const { headers, body } = problemAnswer(
      new BillingError('limit_exceeded', {
        errors,
        retryAfter: 7,
        extra: { limit: 10, used: 10 },
        headers: { allow: 'GET' },
      }),
      'request-1',
    );
    expect(headers).toMatchObject({ 'retry-after': '7', allow: 'GET', 'cache-control': 'no-store' });
    expect(body).toMatchObject({ errors, limit: 10, used: 10 });
  });

  it('names the way to authenticate only where a credential is missing', () => {
    const challenge = (code: ErrorCode): string | undefined =>
      problemAnswer(new BillingError(code), 'r').headers['www-authenticate'];
    expect(challenge('unauthenticated')).toMatch(/^Bearer /);
    expect(challenge('insufficient_scope')).toBeUndefined();
  });

  it('cannot be relabelled by added members', () => {
    const { body } = problemAnswer(
      new BillingError('limit_exceeded', { extra: { code: 'other', status: 200, request_id: 'x' } }),
      'request-1',
    );
    expect(body).toMatchObject({ code: 'limit_exceeded', status: 402, request_id: 'request-1' });
  });
});

describe('the catalogue', () => {
  it.each(Object.entries(ERRORS))('%s is snake_case, has a status, a title and advice', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.status).toBeGreaterThanOrEqual(400);
    expect(entry.status).toBeLessThan(600);
    expect(entry.title.length).toBeGreaterThan(3);
    expect(entry.advice).toMatch(/\.$/);
  });
});
