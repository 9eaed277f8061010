import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsEmail,
  IsIn,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import type { PlanId, TenantId } from '../../contracts/ids';
import type { PaymentStatus } from '../../domain/subscription-status';
import { effectiveTenantStatus, TENANT_STATUSES } from '../../domain/tenant-state';
import type { TenantStatus } from '../../domain/tenant-state';
import { trialState } from '../../domain/trial';
import { IsDisplayName, IsLanguageTag, IsMetadata, LowerCase } from '../../platform/http/field-rules';
import { PageQueryDto } from '../../platform/http/page.dto';
import type { Page } from '../../platform/http/page.dto';
import {
  Contact,
  CONTACT_ROLES,
  DELETION_AFTER_DAYS,
  PAYMENT_STATUSES,
  statusFactsOf,
  Tenant,
  trialFactsOf,
} from './tenant';
import type { ContactRole } from './tenant';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A person of a tenant, as an operator names one. */
export class ContactDto {
  @IsEmail()
  @MaxLength(254)
  email: string;

  @IsOptional()
  @IsDisplayName(200)
  @ApiPropertyOptional({ type: String, minLength: 1, maxLength: 200, nullable: true })
  name?: string | null;

  @IsIn(CONTACT_ROLES)
  role: ContactRole;

  /** The tenant's when left out. */
  @IsOptional()
  @IsLanguageTag()
  locale?: string;
}

/** Body of POST /v1/admin/tenants. */
export class CreateTenantDto {
  /** Chosen by the caller to make the call repeatable; ours when left out. */
  @IsOptional()
  @LowerCase()
  @IsUUID()
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  id?: TenantId;

  @IsDisplayName(200)
  @ApiProperty({ minLength: 1, maxLength: 200 })
  name: string;

  /** Becomes the first contact, the owner. */
  @IsEmail()
  @MaxLength(254)
  email: string;

  @IsOptional()
  @IsLanguageTag()
  locale?: string;

  @IsOptional()
  @IsMetadata()
  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' } })
  metadata?: Record<string, string>;

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => ContactDto)
  contacts?: ContactDto[];
}

/** Body of PATCH /v1/admin/tenants/:id: what is left out stays as it is. */
export class ChangeTenantDto {
  @IsOptional()
  @IsDisplayName(200)
  @ApiPropertyOptional({ minLength: 1, maxLength: 200 })
  name?: string;

  /** The owner who had the old address gets the new one. */
  @IsOptional()
  @IsEmail()
  @MaxLength(254)
  email?: string;

  @IsOptional()
  @IsLanguageTag()
  locale?: string;

  /** Replaces all of it. */
  @IsOptional()
  @IsMetadata()
  @ApiPropertyOptional({ type: 'object', additionalProperties: { type: 'string' } })
  metadata?: Record<string, string>;
}

/** Query of GET /v1/admin/tenants. */
export class TenantsQueryDto extends PageQueryDto {
  /** Part of the name or e-mail address. */
  @IsOptional()
  @IsString()
  @Length(1, 100)
  search?: string;

  /** As the tenant stands now. */
  @IsOptional()
  @IsIn(TENANT_STATUSES)
  status?: TenantStatus;

  /** Id of the plan that the tenant may use now. */
  @IsOptional()
  @LowerCase()
  @IsUUID()
  @ApiPropertyOptional({ type: String, format: 'uuid' })
  plan?: PlanId;

  /** How the tenant's money stands. */
  @IsOptional()
  @IsIn(PAYMENT_STATUSES)
  payment_status?: PaymentStatus;
}

export class TenantTrialView {
  active: boolean;
  days_left: number;
  started_at: string | null;
  ends_at: string | null;
  converted_at: string | null;
}

/** A tenant in lists, events and the audit log. */
export class TenantView {
  id: string;
  name: string;
  email: string;
  locale: string;
  @ApiProperty({ enum: TENANT_STATUSES })
  status: TenantStatus;
  status_reason: string | null;
  status_until: string | null;
  @ApiProperty({ enum: PAYMENT_STATUSES })
  payment_status: PaymentStatus;
  payment_failed_at: string | null;
  grace_until: string | null;
  trial: TenantTrialView;
  confirmed_at: string | null;
  suspended_at: string | null;
  locked_at: string | null;
  deletion_scheduled_at: string | null;
  /** When a scheduled deletion is carried out. */
  deletion_due_at: string | null;
  stripe_customer_id: string | null;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  metadata: Record<string, string>;
  version: number;
  created_at: string;
  updated_at: string;
}

export class TenantPage implements Page<TenantView> {
  data: TenantView[];
  has_more: boolean;
  next_cursor: string | null;
}

export class ContactView {
  id: string;
  email: string;
  name: string | null;
  @ApiProperty({ enum: CONTACT_ROLES })
  role: ContactRole;
  locale: string;
}

/** One tenant, with its people. */
export class TenantDetailView extends TenantView {
  contacts: ContactView[];
}

export function toTenantView(tenant: Tenant, now: Date): TenantView {
  const { active, days_left } = trialState(trialFactsOf(tenant), now);
  return {
    id: tenant.id,
    name: tenant.name,
    email: tenant.email,
    locale: tenant.locale,
    status: effectiveTenantStatus(statusFactsOf(tenant), now),
    status_reason: tenant.statusReason,
    status_until: iso(tenant.statusUntil),
    payment_status: tenant.paymentStatus,
    payment_failed_at: iso(tenant.paymentFailedAt),
    grace_until: iso(tenant.graceUntil),
    trial: {
      active,
      days_left,
      started_at: iso(tenant.trialStartedAt),
      ends_at: iso(tenant.trialEndsAt),
      converted_at: iso(tenant.trialConvertedAt),
    },
    confirmed_at: iso(tenant.confirmedAt),
    suspended_at: iso(tenant.suspendedAt),
    locked_at: iso(tenant.lockedAt),
    deletion_scheduled_at: iso(tenant.deletionScheduledAt),
    deletion_due_at: iso(deletionDueAt(tenant)),
    stripe_customer_id: tenant.stripeCustomerId,
    metadata: tenant.metadata,
    version: tenant.version,
    created_at: tenant.createdAt.toISOString(),
    updated_at: tenant.updatedAt.toISOString(),
  };
}

export function toTenantDetailView(tenant: Tenant, contacts: Contact[], now: Date): TenantDetailView {
  const people = contacts.map(({ id, email, name, role, locale }) => ({ id, email, name, role, locale }));
  return { ...toTenantView(tenant, now), contacts: people };
}

/** What events and audit rows carry of a tenant. */
export function toTenantSnapshot(tenant: Tenant, now: Date): Record<string, unknown> {
  return { ...toTenantView(tenant, now) };
}

function deletionDueAt(tenant: Tenant): Date | null {
  return tenant.deletionScheduledAt
    ? new Date(tenant.deletionScheduledAt.getTime() + DELETION_AFTER_DAYS * DAY_MS)
    : null;
}

function iso(date: Date | null): string | null {
  return date?.toISOString() ?? null;
}
