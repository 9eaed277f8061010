/** The bare Nest + Fastify services that the service is compared with: one route, one question to Redis. */
import 'reflect-metadata';
import { Body, Controller, Get, Headers, HttpCode, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import Redis from 'ioredis';

/** Redis with the one script below as a command. */
interface ScriptedRedis extends Redis {
  mayUse(key: string, quantity: number): Promise<[allowed: number, used: number, limit: number]>;
}

/** Reads a counter and its limit and compares; nothing is stored anywhere. */
const MAY_USE = `
  local counter = redis.call('HMGET', KEYS[1], 'used', 'limit')
  local used = tonumber(counter[1] or '0')
  local limit = tonumber(counter[2] or '0')
  if used + tonumber(ARGV[1]) > limit then return {0, used, limit} end
  return {1, used + tonumber(ARGV[1]), limit}
`;

// What is asked for at the same time goes to Redis in one write, as in the service: without it the baseline
// would be slower, and easier to reach.
const redis = new Redis(process.env.REDIS_URL as string, { enableAutoPipelining: true }) as ScriptedRedis;
redis.defineCommand('mayUse', { numberOfKeys: 1, lua: MAY_USE });

interface UsageEvent {
  event_id: string;
  metric: string;
  quantity: number;
}

const PLAN = {
  id: '00000000-0000-4000-8000-000000000001',
  slug: 'free',
  name: 'Free',
  description: null,
  currency: 'usd',
  amount: 0,
  interval: 'month',
  limits: { email_sends: 1_000_000_000_000 },
  features: ['reports'],
  comparison: { next_plan: null, savings: null },
  recommended: true,
};
const LIST = { data: [PLAN], comparison: { metrics: ['email_sends'], features: ['reports'] } };
const SUBSCRIPTION = {
  status: 'TRIALING',
  plan: PLAN,
  trial: { started_at: '2026-11-01T00:00:00.000Z', ends_at: '2026-11-15T00:00:00.000Z' },
  period: { start: '2026-11-01T00:00:00.000Z', end: '2026-12-01T00:00:00.000Z' },
  payment: { status: 'NONE' },
  items: [],
};

/** The paths of the service, so that the requests are the same to the byte. */
@Controller()
class BareController {
  @Get('readyz')
  ready(): { status: string } {
    return { status: 'ready' };
  }

  /** B2: one call of a Lua script. */
  @Post('v1/billings/usage/events')
  async record(@Headers('tenant-id') tenant: string, @Body() event: UsageEvent): Promise<object> {
    const [allowed, used, limit] = await redis.mayUse(`usage:${tenant}:${event.metric}`, event.quantity);
    return {
      event_id: event.event_id,
      status: allowed === 1 ? 'recorded' : 'limit_exceeded',
      metric: event.metric,
      current_usage: used,
      limit,
      remaining: limit - used,
    };
  }

  /** B3: one GET. */
  @Post('v1/billings/limits/check')
  @HttpCode(200)
  async check(
    @Headers('tenant-id') tenant: string,
    @Body() body: { metric: string; count: number },
  ): Promise<object> {
    const used = Number(await redis.get(`used:${tenant}:${body.metric}`));
    return { allowed: true, metric: body.metric, current_usage: used };
  }

  /** B5: a constant as large as the price list of one plan. */
  @Get('v1/plans')
  plans(): object {
    return LIST;
  }

  /** B5: a constant as large as a subscription. */
  @Get('v1/billings/subscription')
  subscription(): object {
    return SUBSCRIPTION;
  }

  /** B3: one GET. */
  @Get('v1/billings/access/features/:feature')
  async feature(@Headers('tenant-id') tenant: string, @Param('feature') feature: string): Promise<object> {
    const known = await redis.get(`feature:${tenant}:${feature}`);
    return { allowed: true, feature, known };
  }
}

@Module({ controllers: [BareController] })
class BareModule {}

async function main(): Promise<void> {
  const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), {
    logger: false,
  });
  await app.listen(Number(process.env.PORT), '127.0.0.1');
  process.once('SIGTERM', () => process.exit(0));
}

void main();
