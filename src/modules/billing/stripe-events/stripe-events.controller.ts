import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Public } from '../../../platform/http/access';
import { rawValues } from '../../../platform/http/authentication';
import { InboxReceipt, StripeInbox } from './stripe-inbox.service';

/** Where Stripe delivers snapshot events. The signature over the exact bytes is the credential. */
@ApiExcludeController()
@Controller('v1/webhooks/stripe')
export class StripeEventsController {
  constructor(private readonly inbox: StripeInbox) {}

  @Post()
  @HttpCode(200)
  @Public()
  receive(@Req() request: FastifyRequest): Promise<InboxReceipt> {
    const payload = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    return this.inbox.receive(payload, rawValues(request, 'stripe-signature'));
  }
}
