import { ApiProperty } from '@nestjs/swagger';

/** What became of a delivery; Stripe reads the 200 only, people read this. */
export class InboxReceipt {
  @ApiProperty({ type: Boolean, enum: [true] })
  received: true;
  /** duplicate: this event was here before. ignored: it is of a kind that changes nothing here. */
  result: 'stored' | 'duplicate' | 'ignored';
}
