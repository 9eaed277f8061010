import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Clock } from '../../platform/clock';
import { Access } from '../../platform/http/access';
import { Cursors } from '../../platform/http/cursor';
import { Idempotent } from '../../platform/http/idempotency.interceptor';
import { toPage } from '../../platform/http/page.dto';
import { RequestContext } from '../../platform/request-context';
import { scopesOf } from '../../contracts/permissions';
import { BOOTSTRAP_KEY_ID } from './api-key';
import {
  ApiKeyPage,
  ApiKeysQueryDto,
  ApiKeyView,
  IssueApiKeyDto,
  IssuedApiKeyView,
  toApiKeyView,
} from './api-keys.dto';
import { ApiKeysService } from './api-keys.service';

/** Keys: issued by operators, shown without their secrets. */
@ApiTags('API keys')
@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(
    private readonly keys: ApiKeysService,
    private readonly cursors: Cursors,
    private readonly clock: Clock,
    private readonly requestContext: RequestContext,
  ) {}

  /**
   * Issues a key. `secret` is the whole key and is shown in this answer only: a replay for the same
   * Idempotency-Key has `secret: null`, because nothing from which the key could be read is stored.
   */
  @Post()
  @Access('admin:keys')
  @Idempotent({ redact: ['secret'] })
  async issue(@Body() body: IssueApiKeyDto): Promise<IssuedApiKeyView> {
    const { key, secret } = await this.keys.issue({
      name: body.name,
      kind: body.kind,
      tenantId: body.tenant_id,
      tenantIds: body.tenant_ids,
      scopes: body.scopes,
      expiresAt: body.expires_at ? new Date(body.expires_at) : null,
    });
    return { ...toApiKeyView(key, this.clock.now()), secret };
  }

  /** All keys, newest first. */
  @Get()
  @Access('admin:keys')
  async list(@Query() query: ApiKeysQueryDto): Promise<ApiKeyPage> {
    const list = `api-keys?tenant_id=${query.tenant_id ?? ''}`;
    const after = query.cursor ? this.cursors.decode(list, query.cursor) : null;
    const position = after && { createdAt: String(after[0]), id: String(after[1]) };
    const keys = await this.keys.list(query.tenant_id ?? null, position, query.limit);
    const now = this.clock.now();
    return toPage(
      keys,
      query.limit,
      (key) => toApiKeyView(key, now),
      (key) => this.cursors.encode(list, [key.createdAt.toISOString(), key.id]),
    );
  }

  /** The calling key itself, of any kind. */
  @Get('me')
  @Access('billing:read')
  async me(): Promise<ApiKeyView> {
    const key = await this.keys.calling();
    return key ? toApiKeyView(key, this.clock.now()) : this.bootstrapView();
  }

  /** One key, without its secret. */
  @Get(':id')
  @Access('admin:keys')
  async get(@Param('id') id: string): Promise<ApiKeyView> {
    return toApiKeyView(await this.keys.get(id), this.clock.now());
  }

  /** Revokes the key, for ever. Again is no mistake. */
  @Delete(':id')
  @HttpCode(200)
  @Access('admin:keys')
  async revoke(@Param('id') id: string): Promise<ApiKeyView> {
    return toApiKeyView(await this.keys.revoke(id), this.clock.now());
  }

  private bootstrapView(): ApiKeyView {
    const { kind } = this.requestContext.actor;
    return {
      id: BOOTSTRAP_KEY_ID,
      name: 'ADMIN_API_KEY of the environment',
      kind: kind === 'system' ? 'admin' : kind,
      status: 'active',
      tenant_id: null,
      tenant_ids: null,
      scopes: scopesOf('admin'),
      public_id: null,
      expires_at: null,
      revoked_at: null,
      last_used_at: null,
      created_at: null,
    };
  }
}
