import type { RouteOptions } from 'fastify';
import { RouteTable } from './route-table';

const ACCESS = { access: { kind: 'public' } };

function tableOf(...routes: [method: string | string[], url: string, config?: unknown][]): RouteTable {
  const table = new RouteTable();
  for (const [method, url, config] of routes) table.add({ method, url, config } as unknown as RouteOptions);
  return table;
}

const table = tableOf(
  ['GET', '/v1/plans', ACCESS],
  ['HEAD', '/v1/plans', ACCESS],
  ['POST', '/v1/plans', ACCESS],
  ['GET', '/v1/plans/:id', ACCESS],
  [['PATCH', 'DELETE'], '/v1/plans/:id', ACCESS],
  ['POST', '/v1/plans/:id/deletion', ACCESS],
  ['GET', '/v1/a.b+c', ACCESS],
  ['GET', '/assets/*', ACCESS],
  ['GET', '/open'],
);

const answerTo = (method: string, url: string): string => {
  const error = table.refusal(method, url);
  return error.code === 'method_not_allowed' ? `405 ${error.headers?.allow}` : error.code;
};

describe('a request that matched no route', () => {
  it.each([
    ['PUT', '/v1/plans', '405 GET, HEAD, POST'],
    ['TRACE', '/v1/plans?limit=1', '405 GET, HEAD, POST'],
    ['POST', '/v1/plans/anything', '405 DELETE, GET, PATCH'],
    ['GET', '/v1/plans/x/deletion', '405 POST'],
    ['POST', '/assets/a/b.js', '405 GET'],
    ['POST', '/v1/a.b+c', '405 GET'],
    ['POST', '/v1/aXb+c', 'not_found'],
    ['GET', '/v1/nothing', 'not_found'],
    ['GET', '/v1/plans/', 'not_found'],
    ['GET', '/v1/plans/x/', 'not_found'],
    ['GET', '/v1//plans', 'not_found'],
    ['GET', '/', 'not_found'],
    ['GET', '', 'not_found'],
  ])('%s %s -> %s', (method, url, expected) => {
    expect(answerTo(method, url)).toBe(expected);
  });

  it('is answered in linear time, however long its path', () => {
    const started = performance.now();
    expect(answerTo('GET', `/v1/plans/${'a/'.repeat(25_000)}`)).toBe('not_found');
    expect(performance.now() - started).toBeLessThan(200);
  });
});

it('lists every route with its methods, and whether it says who may call it', () => {
  expect(table.all).toHaveLength(10);
  expect(table.all).toContainEqual({
    method: 'DELETE',
    pattern: '/v1/plans/:id',
    access: { kind: 'public' },
  });
  expect(table.all.filter((route) => route.access === null).map((route) => route.pattern)).toEqual(['/open']);
});
