import type { OpenAPIObject } from '@nestjs/swagger';
import { tidy } from './tidy';

type Schema = Record<string, unknown>;

function documentOf(schemas: Record<string, Schema>, operation: Record<string, unknown> = {}): OpenAPIObject {
  const get = { responses: { 200: { description: '' } }, ...operation };
  return {
    openapi: '3.0.3',
    info: { title: 't', version: '1' },
    paths: { '/b': { get }, '/a': { get: { ...get } } },
    components: { schemas },
  } as unknown as OpenAPIObject;
}

const fieldOf = (document: OpenAPIObject, name: string): Schema =>
  (document.components!.schemas!['View'] as { properties: Record<string, Schema> }).properties[name]!;

describe('the tidy document', () => {
  it('is the same in whatever order the compiler met things', () => {
    const one = tidy(documentOf({ View: { enum: ['b', 'a'] }, Another: { type: 'string' } }));
    const other = tidy(documentOf({ Another: { type: 'string' }, View: { enum: ['a', 'b'] } }));
    expect(JSON.stringify(one)).toBe(JSON.stringify(other));
    expect(Object.keys(one.paths)).toEqual(['/a', '/b']);
  });

  it('has whole numbers, but for percentages', () => {
    const properties = { amount: { type: 'number' }, percent: { type: 'number' } };
    const document = tidy(documentOf({ View: { properties } }));
    expect(fieldOf(document, 'amount')).toEqual({ type: 'integer' });
    expect(fieldOf(document, 'percent')).toEqual({ type: 'number' });
  });

  it('knows times by their names', () => {
    const properties = { created_at: { type: 'string' }, status: { type: 'string' } };
    const document = tidy(documentOf({ View: { properties } }));
    expect(fieldOf(document, 'created_at')).toEqual({ type: 'string', format: 'date-time' });
    expect(fieldOf(document, 'status')).toEqual({ type: 'string' });
  });

  it('counts null among the values of what may be null', () => {
    const properties = { role: { type: 'string', nullable: true, enum: ['b', 'a'] } };
    expect(fieldOf(tidy(documentOf({ View: { properties } })), 'role')['enum']).toEqual(['a', 'b', null]);
  });

  it('makes the first sentence of a comment the title, and keeps what was said of it before', () => {
    const operation = {
      summary: 'Lists plans,\nnewest first. `limit` counts. So be it.',
      description: 'Scope.',
    };
    expect(tidy(documentOf({}, operation)).paths['/a']!.get).toMatchObject({
      summary: 'Lists plans, newest first',
      description: '`limit` counts. So be it.\n\nScope.',
    });
  });

  it('leaves examples as they are', () => {
    const example = { type: 'number', enum: ['b', 'a'] };
    const document = tidy(documentOf({ View: { properties: {}, example } }));
    expect((document.components!.schemas!['View'] as Schema)['example']).toEqual(example);
  });
});
