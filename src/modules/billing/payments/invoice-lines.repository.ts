import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock';
import { uuidV7 } from '../../../platform/crypto';
import { Database } from '../../../platform/database/database';
import { TenantContext } from '../../../platform/database/tenant-context';
import { TenantRepository } from '../../../platform/database/tenant-repository';
import { InvoiceLineSnapshot } from '../../../stripe/snapshots';
import { InvoiceLineEntity } from './invoice.entity';

/** The lines of the tenant's invoices, in Stripe's order. */
@Injectable()
export class InvoiceLinesRepository extends TenantRepository<InvoiceLineEntity> {
  constructor(
    database: Database,
    context: TenantContext,
    private readonly clock: Clock,
  ) {
    super(InvoiceLineEntity, database, context);
  }

  of(invoiceId: string): Promise<InvoiceLineEntity[]> {
    return this.find({ invoiceId }, { position: 'ASC' });
  }

  /** Makes the stored lines what Stripe holds. A line keeps its id while it keeps Stripe's. */
  async mirror(invoiceId: string, lines: InvoiceLineSnapshot[]): Promise<void> {
    const known = new Map((await this.of(invoiceId)).map((line) => [line.stripeLineId, line.id]));
    await this.remove({ invoiceId });
    for (const [position, { id: stripeLineId, ...fields }] of lines.entries())
      await this.add({
        ...fields,
        id: known.get(stripeLineId) ?? uuidV7(this.clock.realNow().getTime()),
        invoiceId,
        position,
        stripeLineId,
      });
  }
}
