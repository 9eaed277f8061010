import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { BillingError, FieldError } from '../../contracts/errors';
import { PageQueryDto } from './page.dto';
import { bodyValidation } from './validation';

class ItemDto {
  @IsInt()
  @Min(1)
  quantity: number;
}

class OrderDto {
  @IsString()
  name: string;

  @IsOptional()
  @IsBoolean()
  urgent?: boolean;

  @IsOptional()
  @IsIn(['month', 'year'])
  interval?: string;

  @IsOptional()
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ItemDto)
  items?: ItemDto[];

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(10)
  'a/b~c'?: number;
}

async function violations(
  body: unknown,
  metatype: new () => object = OrderDto,
): Promise<FieldError[] | null> {
  try {
    await bodyValidation().transform(body, { type: 'body', metatype });
    return null;
  } catch (error) {
    if (!(error instanceof BillingError)) throw error;
    expect(error.code).toBe('validation_failed');
    return error.errors ?? [];
  }
}

const pointers = async (body: unknown): Promise<string[] | null> =>
  (await violations(body))?.map((error) => `${error.pointer} ${error.code}`) ?? null;

describe('a body', () => {
  it('that fits becomes its DTO', async () => {
    expect(await violations({ name: 'a', items: [{ quantity: 2 }] })).toBeNull();
  });

  it('is told where it is wrong, as JSON pointers', async () => {
    expect(await pointers({ name: 1, items: [{ quantity: 1 }, { quantity: 0 }] })).toEqual([
      '/name not_string',
      '/items/1/quantity min',
    ]);
    expect(await pointers({ name: 'a', 'a/b~c': 11 })).toEqual(['/a~1b~0c max']);
    expect(await pointers({})).toEqual(['/name not_string']);
  });

  it.each(['isAdmin', 'tenantId', 'tenant_id', 'used', 'id', 'createdAt'])(
    'with the unknown field %s is refused (B-062)',
    async (name) => {
      expect(await pointers({ name: 'a', [name]: 'x' })).toEqual([`/${name} unknown_field`]);
    },
  );

  it('with an unknown field inside a list is refused', async () => {
    expect(await pointers({ name: 'a', items: [{ quantity: 1, price: 0 }] })).toEqual([
      '/items/0/price unknown_field',
    ]);
  });

  it.each(['1', '1e3', true, [1], {}, null, 1.5])(
    'is never coerced: quantity %j (B-064)',
    async (quantity) => {
      expect(await pointers({ name: 'a', items: [{ quantity }] })).toHaveLength(1);
    },
  );

  it.each(['true', 1, 'yes', []])('is never coerced: urgent %j', async (urgent) => {
    expect(await pointers({ name: 'a', urgent })).toEqual(['/urgent not_boolean']);
  });

  it.each([undefined, null, 'text', 7, true, [], [{ name: 'a' }]])('that is %j is refused', async (body) => {
    expect(await violations(body)).not.toBeNull();
  });

  it.each([{ items: {} }, { items: 'x' }, { items: [null] }, { items: ['x'] }, { items: [[]] }])(
    'with %j is refused',
    async (part) => {
      expect(await violations({ name: 'a', ...part })).not.toBeNull();
    },
  );

  it('is never echoed (error contract)', async () => {
    const canary = 'CANARY-value';
    const errors = await violations({
      name: [canary],
      urgent: canary,
      interval: canary,
      items: [{ quantity: canary, [`${canary}x`]: 1 }],
      'a/b~c': canary,
    });
    expect(errors!.length).toBeGreaterThan(4);
    expect(JSON.stringify(errors!.map(({ message, code }) => ({ message, code })))).not.toContain(canary);
  });
});

describe('the query of a list', () => {
  it.each([
    [{}, 20],
    [{ limit: '1' }, 1],
    [{ limit: '100' }, 100],
  ])('%j asks for %d rows', async (query, limit) => {
    const dto = (await bodyValidation().transform(query, {
      type: 'query',
      metatype: PageQueryDto,
    })) as PageQueryDto;
    expect(dto.limit).toBe(limit);
  });

  it.each(['0', '101', '-1', '1.5', '1e2', '0x10', ' 5', '', 'all', '99999999999999999999', ['1', '2']])(
    'limit=%j is refused',
    async (limit) => {
      expect(await violations({ limit }, PageQueryDto)).toHaveLength(1);
    },
  );
});
