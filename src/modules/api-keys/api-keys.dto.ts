import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsISO8601,
  IsOptional,
  IsUUID,
  Matches,
} from 'class-validator';
import type { TenantId } from '../../contracts/ids';
import { KEY_KINDS, SCOPES } from '../../contracts/permissions';
import type { KeyKind, Scope } from '../../contracts/permissions';
import { IsDisplayName, LowerCase } from '../../platform/http/field-rules';
import { PageQueryDto } from '../../platform/http/page.dto';
import type { Page } from '../../platform/http/page.dto';
import { ApiKey, API_KEY_STATUSES, statusOfKey } from './api-key';
import type { ApiKeyStatus } from './api-key';

/** Body of POST /v1/api-keys. */
export class IssueApiKeyDto {
  /** What the key is for, so that people recognise it in the list. */
  @IsDisplayName(100)
  @ApiProperty({ minLength: 1, maxLength: 100 })
  name: string;

  @IsIn(KEY_KINDS)
  kind: KeyKind;

  /** The tenant a key of kind `tenant` is bound to; required for that kind and refused for others. */
  @IsOptional()
  @LowerCase()
  @IsUUID()
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  tenant_id?: TenantId;

  /** The tenants a key of kind `service` may act for; all when left out. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @LowerCase()
  @ArrayUnique()
  @IsUUID(undefined, { each: true })
  @ApiPropertyOptional({ type: String, format: 'uuid', isArray: true })
  tenant_ids?: TenantId[];

  /** What the key may do; everything its kind may and the issuing key may when left out. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @IsIn(Object.keys(SCOPES), { each: true })
  scopes?: Scope[];

  /** ISO 8601 with a zone; from then on the key opens nothing. */
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/, {
    message: 'expires_at must be a time with a zone',
  })
  expires_at?: string;
}

/** Query of GET /v1/api-keys. */
export class ApiKeysQueryDto extends PageQueryDto {
  /** Only keys bound to this tenant. */
  @IsOptional()
  @LowerCase()
  @IsUUID()
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  tenant_id?: TenantId;
}

/** A key as the API shows it; never with its secret. */
export class ApiKeyView {
  id: string;
  name: string;
  @ApiProperty({ enum: KEY_KINDS })
  kind: KeyKind;
  @ApiProperty({ enum: API_KEY_STATUSES })
  status: ApiKeyStatus;
  tenant_id: string | null;
  tenant_ids: string[] | null;
  @ApiProperty({ enum: Object.keys(SCOPES), isArray: true })
  scopes: Scope[];
  /** The 12 characters in the key's text that tell it from others. */
  public_id: string | null;
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
  created_at: string | null;
}

export class ApiKeyPage implements Page<ApiKeyView> {
  data: ApiKeyView[];
  has_more: boolean;
  next_cursor: string | null;
}

/** The only answer that holds the key's whole text, once. */
export class IssuedApiKeyView extends ApiKeyView {
  /** null when an earlier answer is replayed for the same Idempotency-Key: we cannot show it again. */
  secret: string | null;
}

export function toApiKeyView(key: ApiKey, now: Date): ApiKeyView {
  return {
    id: key.id,
    name: key.name,
    kind: key.kind,
    status: statusOfKey(key, now),
    tenant_id: key.tenantId,
    tenant_ids: key.tenantIds,
    scopes: key.scopes,
    public_id: key.publicId,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    last_used_at: key.lastUsedAt?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
  };
}
