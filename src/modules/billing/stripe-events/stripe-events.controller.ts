import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiBody, ApiSecurity, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public } from '../../../platform/http/access';
import { rawValues } from '../../../platform/http/authentication';
import { InboxReceipt } from './stripe-events.dto';
import { StripeInbox } from './stripe-inbox.service';

/** Where Stripe delivers snapshot events. The signature over the exact bytes is the credential. */
@ApiTags('Stripe webhook')
@Controller('v1/webhooks/stripe')
export class StripeEventsController {
  constructor(private readonly inbox: StripeInbox) {}

  /** Takes an event of Stripe's. It is kept before this is answered, and acted on afterwards. */
  @Post()
  @HttpCode(200)
  @Public()
  @ApiSecurity('stripe-signature')
  @ApiBody({
    description: 'A snapshot event as Stripe sends it, of the API version this service is pinned to.',
    schema: { type: 'object', additionalProperties: true },
  })
  receive(@Req() request: FastifyRequest): Promise<InboxReceipt> {
    const payload = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    return this.inbox.receive(payload, rawValues(request, 'stripe-signature'));
  }

  /** Takes an event notification (thin event), signed with the secret of its own endpoint. */
  @Post('events')
  @HttpCode(200)
  @Public()
  @ApiSecurity('stripe-signature')
  @ApiBody({
    description: 'An event notification as Stripe sends it (`object: v2.core.event`).',
    schema: { type: 'object', additionalProperties: true },
  })
  receiveNotification(@Req() request: FastifyRequest): Promise<InboxReceipt> {
    const payload = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    return this.inbox.receiveThin(payload, rawValues(request, 'stripe-signature'));
  }
}
