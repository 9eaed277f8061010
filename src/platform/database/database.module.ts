import { DynamicModule, Global, Module } from '@nestjs/common';
import { getDataSourceToken, TypeOrmModule } from '@nestjs/typeorm';
import { ClsPluginTransactional } from '@nestjs-cls/transactional';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { ClsModule, ClsServiceManager } from 'nestjs-cls';
import type { Pool, PoolClient } from 'pg';
import { DataSource } from 'typeorm';
import { Clock } from '../clock';
import type { Config } from '../config/env';
import { CONTEXT_KEYS } from '../context-keys';
import { Lifecycle } from '../lifecycle';
import { RequestContext } from '../request-context';
import { Announcements } from './announcements';
import { ClockSync } from './clock-sync';
import { appDataSourceOptions } from './data-source';
import { Database, TenantScopedAdapter } from './database';
import { TenantContext } from './tenant-context';

/** Postgres, the tenant context and transactions: one pool, one way in. */
@Global()
@Module({})
export class DatabaseModule {
  static forRoot(config: Config): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRoot({
          ...appDataSourceOptions(config.database.url, config.database.poolSize),
          autoLoadEntities: true,
          retryAttempts: config.env === 'test' ? 1 : 20,
          retryDelay: 500,
        }),
        withoutGlobalEnhancers(
          ClsModule.forRoot({
            global: true,
            middleware: { mount: false },
            plugins: [
              new ClsPluginTransactional({
                imports: [TypeOrmModule],
                adapter: new TenantScopedAdapter(getDataSourceToken(), currentRowScope),
              }),
            ],
          }),
        ),
      ],
      providers: [TenantContext, RequestContext, Database, Clock, ClockSync, Announcements],
      exports: [TenantContext, RequestContext, Database, Clock, ClockSync, Announcements],
    };
  }

  constructor(dataSource: DataSource, lifecycle: Lifecycle) {
    surviveBrokenConnections(dataSource);
    lifecycle.onShutdown('database', 'postgres pool', async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
    });
  }
}

/** The same answer as TenantContext.rowScope, for the adapter, which lives outside dependency injection. */
function currentRowScope(): string {
  const cls = ClsServiceManager.getClsService();
  if (!cls.isActive()) return '';
  if (cls.get(CONTEXT_KEYS.acrossTenants) === true) return '*';
  return (cls.get(CONTEXT_KEYS.tenantId) as string | undefined) ?? '';
}

/**
 * ClsModule.forRoot registers a global guard and a global interceptor even when both are off; one empty
 * global interceptor took a bare route from 21,400 to 12,700 requests/s (decisions 15). The context is
 * opened in a Fastify hook instead.
 */
function withoutGlobalEnhancers(module: DynamicModule): DynamicModule {
  const strip = (part: DynamicModule): DynamicModule => ({
    ...part,
    providers: part.providers?.filter(
      (provider) =>
        !('provide' in provider && (provider.provide === APP_GUARD || provider.provide === APP_INTERCEPTOR)),
    ),
    imports: part.imports?.map((imported) =>
      typeof imported === 'object' && 'module' in imported ? strip(imported) : imported,
    ),
  });
  return strip(module);
}

/**
 * A connection that Postgres ends while it is being handed from the pool to a query has nobody listening for its
 * error, and Node ends the process (F-68; found by R-08). The query that needed it fails by itself.
 */
function surviveBrokenConnections(dataSource: DataSource): void {
  const pool = (dataSource.driver as unknown as { master: Pool & { _clients?: PoolClient[] } }).master;
  const listen = (client: PoolClient): void => {
    client.on('error', () => undefined);
  };
  pool.on('connect', listen);
  for (const client of pool._clients ?? []) listen(client);
}
