import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { InvoiceSnapshot } from '../../../stripe/snapshots';
import { InvoiceEntity } from './invoice.entity';

/** Where a page goes on: after this invoice, newest first. */
export interface InvoicePosition {
  createdAt: Date;
  id: string;
}

/** The tenant's invoices as Stripe last told them. */
@Injectable()
export class InvoicesRepository extends TenantRepository<InvoiceEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(InvoiceEntity, database, context);
  }

  byId(id: string): Promise<InvoiceEntity | null> {
    return this.findOne({ id });
  }

  byStripeId(stripeInvoiceId: string): Promise<InvoiceEntity | null> {
    return this.findOne({ stripeInvoiceId });
  }

  /** All that bear on who owes: everything but drafts and voided ones. */
  settledOrOwed(): Promise<InvoiceEntity[]> {
    return this.find({ status: In(['open', 'paid', 'uncollectible']) }, { createdAt: 'ASC', id: 'ASC' });
  }

  /** Newest first. */
  async page(
    status: InvoiceEntity['status'] | null,
    after: InvoicePosition | null,
    take: number,
  ): Promise<InvoiceEntity[]> {
    const ids = await this.sql<{ id: string }>(
      `select id from invoices where tenant_id = $1 and ($2::text is null or status = $2)
         and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
       order by created_at desc, id desc limit $5`,
      status,
      after?.createdAt ?? null,
      after?.id ?? null,
      take,
    );
    if (ids.length === 0) return [];
    return this.find({ id: In(ids.map(({ id }) => id)) }, { createdAt: 'DESC', id: 'DESC' });
  }

  async addFrom(snapshot: InvoiceSnapshot): Promise<InvoiceEntity> {
    const row = {
      ...columnsOf(snapshot),
      id: uuidV7(this.clock.realNow().getTime()),
      disputeLost: false,
      syncCount: 1,
      syncedAt: this.clock.now(),
    };
    await this.add(row);
    return { ...row, tenantId: this.context.tenantId };
  }

  async change(row: InvoiceEntity, snapshot: InvoiceSnapshot): Promise<InvoiceEntity> {
    const changes = {
      ...columnsOf(snapshot),
      syncCount: row.syncCount + 1,
      syncedAt: this.clock.now(),
    };
    await this.update({ id: row.id }, changes);
    return { ...row, ...changes };
  }

  async markDisputeLost(id: string): Promise<void> {
    await this.update({ id }, { disputeLost: true });
  }
}

function columnsOf(
  snapshot: InvoiceSnapshot,
): Omit<InvoiceEntity, 'tenantId' | 'id' | 'disputeLost' | 'syncCount' | 'syncedAt'> {
  const {
    id,
    subscriptionId,
    customerId: _customer,
    clientSecret: _secret,
    lines: _lines,
    ...same
  } = snapshot;
  return { ...same, stripeInvoiceId: id, stripeSubscriptionId: subscriptionId };
}
